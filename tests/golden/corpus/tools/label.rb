# Prints the label that is glued on a parcel.
class Label
  WIDTH = 42

  def initialize(parcel)
    @parcel = parcel
  end

  # Break an address into lines that fit the printer, at blanks only.
  def wrapped(text)
    text.split.each_with_object([""]) do |word, lines|
      if lines.last.size + word.size + 1 > WIDTH
        lines << word
      else
        lines.last << " " unless lines.last.empty?
        lines.last << word
      end
    end
  end

  def barcode
    "*#{@parcel.number.to_s.rjust(12, '0')}#{check_digit}*"
  end

  # The weighted sum that scanners verify.
  def check_digit
    digits = @parcel.number.digits
    (10 - digits.each_with_index.sum { |digit, place| digit * (place.even? ? 3 : 1) } % 10) % 10
  end
end
