package billing;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;

/** What a sender owes for a month. */
public final class Invoice {
    private final List<Line> lines;

    public Invoice(List<Line> lines) {
        this.lines = List.copyOf(lines);
    }

    /** Add up all lines, round once at the end, half to even. */
    public BigDecimal total() {
        return lines.stream()
            .map(line -> line.price().multiply(BigDecimal.valueOf(line.count())))
            .reduce(BigDecimal.ZERO, BigDecimal::add)
            .setScale(2, RoundingMode.HALF_EVEN);
    }

    /** A discount in steps: large senders pay less for each further parcel. */
    public BigDecimal discounted(NavigableDiscounts discounts) {
        int parcels = lines.stream().mapToInt(Line::count).sum();
        return total().multiply(BigDecimal.ONE.subtract(discounts.rateFor(parcels)));
    }
}
