import Foundation
import PortModel
import TestSupport
import Testing

@testable import Report

/// Pages opened in headless Chromium, and used as a reader would. With SCREENSHOTS=directory in the
/// environment, it is left there what they look like.
@Suite struct HTMLBrowserTests {
    enum Page: String, CaseIterable {
        case one, several, crowd, hosts, hostile

        var reports: [RunReport] {
            switch self {
            case .one: [ReportSample.report(seconds: 4, [.init(port: 80, rate: 20, usable: 64)])]
            case .several:
                [
                    ReportSample.report(
                        [612, 340, 180, 40, 4].enumerated().map {
                            .init(port: UInt16(80 + $0), rate: $1)
                        })
                ]
            case .crowd: [ReportSample.crowd(500)]
            case .hosts:
                [
                    ReportSample.report(host: "web-1", [.init(port: 80, rate: 612)]),
                    ReportSample.report(host: "web-2", [.init(port: 80, rate: 340)]),
                ]
            case .hostile:
                [
                    ReportSample.report(
                        host: HTMLWriterTests.hostile,
                        [80, 81].map {
                            .init(
                                port: $0, rate: 612, process: HTMLWriterTests.hostileProcess,
                                remote: IPAddress(
                                    high: 0x2001_0db8_1111_2222, low: 0x3333_4444_5555_6666))
                        })
                ]
            }
        }
    }

    @Test(arguments: Page.allCases) func aReaderFindsWhatThereIs(_ page: Page) throws {
        let folder = try TemporaryDirectory()
        let file = folder.url.appending(path: "report.html")
        try HTMLText(page.reports).text.write(to: file, atomically: true, encoding: .utf8)
        let shots = ProcessInfo.processInfo.environment["SCREENSHOTS"].map {
            URL(filePath: $0).appending(path: page.rawValue)
        }
        if let shots {
            try FileManager.default.createDirectory(at: shots, withIntermediateDirectories: true)
        }
        #expect(try HeadlessBrowser.faults(ofReport: file, screenshots: shots) == "")
    }
}
