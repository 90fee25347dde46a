#include <optional>
#include <vector>

namespace telemetry {

/// Watches the cold chain: medicine must not become warm.
class ColdChain {
public:
    explicit ColdChain(double limit) : limit_(limit) {}

    /// Returns how many minutes in a row were too warm, if it is time to raise an alarm.
    std::optional<int> alarm(const std::vector<double>& minutes) const {
        int warm = 0;
        for (double celsius : minutes) {
            warm = celsius > limit_ ? warm + 1 : 0;
            if (warm >= kPatience) {
                return warm;
            }
        }
        return std::nullopt;
    }

private:
    static constexpr int kPatience = 15;
    double limit_;
};

}  // namespace telemetry
