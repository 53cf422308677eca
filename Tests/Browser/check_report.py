"""Opens an HTML report in headless Chromium and uses it as a reader would.

usage: check_report.py REPORT [DIRECTORY FOR SCREENSHOTS]

Says what is wrong with it, a line each, and ends with 1 if anything is."""

import json
import os
import re
import sys

from browser import Browser

faults = []


def expect(holds, what):
    if not holds:
        faults.append(what)


def check_charts(page):
    report = json.loads(page.run("document.getElementById('data').textContent"))
    drawn = page.run("""[...document.querySelectorAll("#chart path:not(.usable)")].map((path) => {
        const box = path.getBBox();
        return {kind: path.className.baseVal, width: box.width, height: box.height};
    })""")
    worst = report["tuples"][0]
    for kind, series in [("time-wait", "timeWait"), ("opened", "opened"), ("failed", "failed")]:
        if any(worst[series]):
            areas = [path for path in drawn if path["kind"] == kind]
            expect(areas and all(path["width"] > 0 and path["height"] > 0 for path in areas),
                   f"the large chart shows no {kind}: {drawn}")
    expect(page.run("document.querySelectorAll('#chart text.mark').length") == len(worst["marks"]),
           "not all moments are marked")
    count = len(report["tuples"])
    small = page.run("""[...document.querySelectorAll("#many button")].map(
        (button) => button.querySelectorAll("path").length)""")
    expect(len(small) == (0 if count == 1 else min(count, 12)), f"{len(small)} small charts")
    expect(all(small), "a small chart is empty")
    return report


ROWS = "[...document.querySelector('#{id}').tBodies[0].rows]"


def check_sorting(page, table):
    rows = ROWS.format(id=table)
    names = page.run(f"[...document.querySelector('#{table}').tHead.rows[0].cells].map(c => c.textContent)")
    before = sorted(page.run(f"{rows}.map(row => row.textContent)"))
    for column, name in enumerate(names):
        button = f"#{table} thead th:nth-child({column + 1}) button"
        numeric = page.run(f"document.querySelector('{button}').parentNode.classList.contains('n')")
        orders = set()
        for use in ("click", "key"):
            if use == "click":
                page.click(button)
            else:
                page.run(f"document.querySelector('{button}').focus()")
                page.press("Enter", "\r")
            state = page.run(f"[...document.querySelector('#{table}').tHead.rows[0].cells].map(c => c.ariaSort)")
            order = state[column]
            orders.add(order)
            expect(all(each == "none" for index, each in enumerate(state) if index != column),
                   f"{name}: other columns are sorted, too: {state}")
            cells = page.run(f"{rows}.map(row => row.cells[{column}]).map(c => c.dataset.v ?? c.textContent)")
            if numeric:
                found = [re.match(r"-?[\d,.]+", cell) for cell in cells]
                cells = [float(match[0].replace(",", "")) if match else -1 for match in found]
                expect(cells == sorted(cells, reverse=order == "descending"),
                       f"{name}: not {order}: {cells[:9]}")
        expect(orders == {"ascending", "descending"}, f"{name}: sorts only {orders}")
    expect(sorted(page.run(f"{rows}.map(row => row.textContent)")) == before, "rows changed by sorting")


def tip(page):
    return page.run("""(() => {
        const tip = document.querySelector(".tip");
        return getComputedStyle(tip).visibility === "visible" ? tip.innerText : "";
    })()""")


def check_hover(page, report, finger=False):
    place = page.middle("#chart svg")
    (page.touch if finger else page.move)(place["x"], place["y"])
    first = tip(page)
    worst = report["tuples"][0]
    shown = re.search(r"held\s+([\d,]+) of ([\d,]+) \(", first)
    expect(shown and int(shown[1].replace(",", "")) in worst["held"],
           f"no values under the {'finger' if finger else 'pointer'}: {first!r}")
    expect("TIME_WAIT" in first and "/s" in first, f"values are missing: {first!r}")
    if not finger:
        page.move(5, 5)
        expect(tip(page) == "", "the values stay when the pointer leaves")
        page.run("document.querySelector('#chart svg').focus()")
        page.press("ArrowRight")
        expect("held" in tip(page), "the arrow keys show no values")
        page.run("document.activeElement.blur()")


def check_choosing(page, report):
    if len(report["tuples"]) < 2:
        return
    last = len(report["tuples"]) - 1
    page.click(f"#tuples button[data-tuple='{last}']")
    title = page.run("document.getElementById('chart-title').textContent")
    expect(title == report["tuples"][last]["name"], f"a row's chart is not shown: {title}")
    page.click("#many button:nth-child(1)")
    title = page.run("document.getElementById('chart-title').textContent")
    expect(title == report["tuples"][0]["name"], f"a small chart is not shown large: {title}")
    page.run("""(() => { const find = document.getElementById("find");
        find.value = "no such thing"; find.dispatchEvent(new Event("input")); })()""")
    expect(page.run(ROWS.format(id="tuples") + ".every(row => row.hidden)"), "find finds everything")
    page.run("""(() => { const find = document.getElementById("find");
        find.value = ""; find.dispatchEvent(new Event("input")); })()""")


def brightness(page, what):
    colour = page.run(f"(() => {{ const body = getComputedStyle(document.body); return {what}; }})()")
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3])


def check_colours(page):
    expect(brightness(page, "body.backgroundColor") > brightness(page, "body.color"), "light is dark")
    page.medium(scheme="dark")
    expect(brightness(page, "body.backgroundColor") < brightness(page, "body.color"), "dark is light")
    page.medium("print", "dark")
    expect(brightness(page, "body.backgroundColor") == 765, "paper is not white")
    expect(page.run("""[".find", ".tip"].every((name) => {
        const node = document.querySelector(name);
        return !node || getComputedStyle(node).display === "none"; })"""), "controls are printed")
    pages = page.pdf().count(b"/Type /Page\n")
    expect(pages > 0, "nothing is printed")
    page.medium()
    expect(page.run("""(() => {
        const svg = document.querySelector("#chart svg");
        return svg.viewBox.baseVal.width === Math.floor(svg.clientWidth); })()"""),
           "the chart keeps the width that it had on paper")


def check_widths(page):
    for width in (320, 360, 412, 768, 1280):
        page.size(width, 800, mobile=width < 500)
        wide = page.run("document.scrollingElement.scrollWidth")
        expect(wide <= width, f"{wide} pixels wide on a screen of {width}")
        over = page.run("document.querySelector('#chart svg').getBoundingClientRect().right")
        expect(over <= width, f"the chart is cut off on a screen of {width}")


def check_without_script(page, path):
    page.open(path, scripts=False)
    text = page.run("document.body.innerText")
    expect("The charts need JavaScript" in text, "without scripts, nothing says why charts lack")
    for heading in ("Tuples", "Accuracy", "Settings"):
        expect(heading in text, f"without scripts, {heading} are missing")


def take_screenshots(page, path, directory):
    page.size(1200, 900)
    page.open(path)
    shot = lambda name: page.screenshot(os.path.join(directory, name + ".png"))
    shot("desktop-light")
    page.medium(scheme="dark")
    shot("desktop-dark")
    page.medium()
    place = page.middle("#chart svg")
    page.move(place["x"], place["y"] - 60)
    page.screenshot(os.path.join(directory, "hover.png"), whole=False)
    page.move(5, 5)
    page.size(390, 844, mobile=True)
    shot("phone")
    page.size(794, 1123)
    page.medium("print")
    shot("print")
    with open(os.path.join(directory, "print.pdf"), "wb") as file:
        file.write(page.pdf())
    page.medium()


def main(path, shots=None):
    with Browser() as page:
        page.size(1280, 900)
        page.open(path)
        report = check_charts(page)
        check_hover(page, report)
        check_choosing(page, report)
        for table in page.run("[...document.querySelectorAll('table.sortable')].map(t => t.id)"):
            check_sorting(page, table)
        check_colours(page)
        check_widths(page)
        page.size(390, 844, mobile=True)
        check_hover(page, report, finger=True)
        expect(page.run("document.images.length + document.links.length") == 0, "it has foreign elements")
        if shots:
            take_screenshots(page, path, shots)
        check_without_script(page, path)
        own = "file://" + os.path.abspath(path)
        expect(not page.complaints, f"the console says {page.complaints}")
        expect(set(page.requests) == {own}, f"it asks for {set(page.requests) - {own}}")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
