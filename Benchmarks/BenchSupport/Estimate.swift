/// A trimmed mean of repeated measurements, and how sure it is.
package struct Estimate: Sendable {
    /// Without the lowest and the highest fifth.
    package let mean: Double
    /// The 95 % interval of the mean, by bootstrap.
    package let low: Double
    package let high: Double

    private static let resamples = 2000

    /// Nil without any value.
    package init?(_ values: [Double]) {
        guard let mean = Self.trimmedMean(values) else { return nil }
        var random = SeededGenerator(seed: 1)
        var means: [Double] = []
        var sample = values
        for _ in 0..<Self.resamples {
            for index in sample.indices {
                sample[index] = values[Int.random(in: 0..<values.count, using: &random)]
            }
            means.append(Self.trimmedMean(sample) ?? mean)
        }
        means.sort()
        self.mean = mean
        low = means[Self.resamples / 40]
        high = means[Self.resamples - 1 - Self.resamples / 40]
    }

    private static func trimmedMean(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let cut = values.count / 5
        let kept = values.sorted()[cut..<values.count - cut]
        return kept.reduce(0, +) / Double(kept.count)
    }
}

/// The middle of `values`; nil without any.
package func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
