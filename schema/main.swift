// Prints a schema for `make schema`: that of events, or with the argument `report` that of reports.

import Events
import Report

let isReport = CommandLine.arguments.dropFirst().first == "report"
print(isReport ? SchemaPrinter.report : SchemaPrinter.events, terminator: "")
