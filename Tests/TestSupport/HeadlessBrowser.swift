import Foundation

/// Chromium without a window. That it is there is asked by the tests that use it: they fail without.
package enum HeadlessBrowser {
    /// Uses an HTML report as a reader would.
    ///
    /// - Parameter screenshots: a directory for some; nil for none.
    /// - Returns: what is wrong with it, a line each.
    package static func faults(ofReport file: URL, screenshots: URL? = nil) throws -> String {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let script = Process()
        script.executableURL = URL(filePath: "/usr/bin/python3")
        script.arguments = [tests.appending(path: "Browser/check_report.py").path, file.path]
        if let screenshots { script.arguments?.append(screenshots.path) }
        let output = Pipe()
        (script.standardOutput, script.standardError) = (output, output)
        try script.run()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        script.waitUntilExit()
        let text = String(decoding: said, as: UTF8.self)
        return script.terminationStatus == 0 ? "" : "exit \(script.terminationStatus)\n\(text)"
    }
}

/// A directory that goes when its owner does.
package struct TemporaryDirectory: ~Copyable {
    package let url: URL

    package init() throws {
        url = FileManager.default.temporaryDirectory.appending(
            path: "portgauge-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}
