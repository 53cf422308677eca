extension String {
    /// With spaces in front, `width` characters long at least.
    package func right(_ width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    /// With spaces behind.
    package func left(_ width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}

extension Double {
    /// With a fixed count of digits behind the point.
    ///
    /// - Parameter signed: with a plus in front of what is not negative.
    package func text(digits: Int, signed: Bool = false) -> String {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let rounded = Int(exactly: (magnitude * Double(scale)).rounded()) ?? 0
        let sign = self < 0 && rounded > 0 ? "-" : signed ? "+" : ""
        let fraction = String(rounded % scale)
        let zeros = String(repeating: "0", count: max(0, digits - fraction.count))
        return sign + String(rounded / scale) + (digits > 0 ? "." + zeros + fraction : "")
    }
}
