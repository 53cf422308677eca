/// The version in a kernel release such as `6.18.44-cloud-amd64`.
package struct KernelVersion: Comparable {
    package let major: Int
    package let minor: Int

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// A release that cannot be read is taken for a new one.
    package init(release: String) {
        let numbers = release.split(separator: ".").prefix(2).map { $0.prefix { $0.isNumber } }
        major = numbers.first.flatMap { Int($0) } ?? .max
        minor = numbers.dropFirst().first.flatMap { Int($0) } ?? 0
    }

    package static func < (a: KernelVersion, b: KernelVersion) -> Bool {
        (a.major, a.minor) < (b.major, b.minor)
    }
}
