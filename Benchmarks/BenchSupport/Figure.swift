/// Prints one result for a machine to read, as a line `figure NAME VALUE`.
package func printFigure(_ name: String, _ value: Double, digits: Int = 0) {
    print("figure", name, value.text(digits: digits))
}
