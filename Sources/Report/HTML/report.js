"use strict";

// Draws the charts from the data block, and lets tables sort. All figures that matter are in the
// page without it.
(() => {
  const report = JSON.parse(document.getElementById("data").textContent);
  const worst = 12; // Of these there are small charts.

  // Numbers and times

  const grouped = (number) => Math.round(number).toLocaleString("en-US");
  const rate = (number) => (number < 10 && number % 1 ? number.toFixed(1) : grouped(number));
  const percent = (part, whole) => (whole ? (Math.floor((part * 1000) / whole) / 10).toFixed(1) + " %" : "–");
  const duration = (us) =>
    us < 1000 ? us + " µs" : us < 1e6 ? (us / 1000).toFixed(1) + " ms" : (us / 1e6).toFixed(2) + " s";
  const clock = (second) => new Date(report.begin + (second + report.zone) * 1000).toISOString().slice(11, 19);
  const relative = (second) => {
    const two = (number) => String(number).padStart(2, "0");
    const s = Math.round(second);
    if (s < 120) return "+" + s + " s";
    const minutes = Math.floor(s / 60) % 60;
    return s < 3600
      ? "+" + minutes + ":" + two(s % 60) + " min"
      : "+" + Math.floor(s / 3600) + ":" + two(minutes) + ":" + two(s % 60) + " h";
  };

  // At most `count` steps of 1, 2 or 5 times a power of ten.
  const niceStep = (range, count) => {
    const rough = Math.max(range / count, 1e-9);
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
  };
  const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  const timeStep = (seconds, count) =>
    timeSteps.find((step) => seconds / step <= count) ?? Math.ceil(seconds / count / 86400) * 86400;

  // The series: value i is of the `step` seconds that end at `second(tuple, i)`: most ports held, and
  // how many connects there were, which become connects a second here.

  const second = (tuple, i) => Math.min(tuple.start + i * tuple.step, report.seconds);
  for (const tuple of report.tuples) {
    // What rarely changes, or is rarely there, comes as pairs of an index and a value.
    const { usable, search } = tuple;
    tuple.usable = tuple.held.map(() => 0);
    usable.forEach(([from, value]) => tuple.usable.fill(value, from));
    tuple.search = tuple.held.map(() => 0);
    search.forEach(([at, value]) => (tuple.search[at] = value));
    // The last step may be a shorter one.
    const lasted = (i) => Math.max(1, second(tuple, i) - (tuple.start + (i - 1) * tuple.step));
    tuple.opened = tuple.opened.map((count, i) => count / lasted(i));
    tuple.failed = tuple.failed.map((count, i) => count / lasted(i));
    tuple.limit = Math.max(1, tuple.peak.usable, ...tuple.usable);
  }
  const failures = (tuple) => (tuple.failures ? " · " + grouped(tuple.failures) + " failed" : "");
  const briefly = (tuple) => tuple.peak.share + failures(tuple);
  const described = (tuple) => {
    const { held, usable, share, at } = tuple.peak;
    const peak = `peak ${grouped(held)} of ${grouped(usable)} usable${at === undefined ? "" : " at " + clock(at)}`;
    return `${tuple.process ? tuple.process + " · " : ""}${peak} · ${share}${failures(tuple)}`;
  };

  // Drawing

  const svg = (name, attributes, parent) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    parent?.append(node);
    return node;
  };
  const html = (name, className, text, parent) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    parent?.append(node);
    return node;
  };
  const text = (parent, x, y, content, anchor, className) => {
    const node = svg("text", { x, y, "text-anchor": anchor ?? "start", class: className ?? "" }, parent);
    node.textContent = content;
    return node;
  };
  const round = (number) => Math.round(number * 10) / 10;

  // The area between two rows of values.
  const area = (parent, className, xs, top, bottom) => {
    const there = xs.map((x, i) => round(x) + " " + round(top(i)));
    const back = xs.map((x, i) => round(x) + " " + round(bottom(i))).reverse();
    svg("path", { class: className, d: "M" + there.concat(back).join("L") + "Z" }, parent);
  };

  // Bars as one outline: as many as there are points, each as wide as its time.
  const bars = (parent, className, x, y, tuple, values) => {
    let path = "";
    values.forEach((value, i) => {
      if (!value) return;
      const left = x(Math.max(0, second(tuple, i) - tuple.step));
      const width = Math.max(1, x(second(tuple, i)) - left - (tuple.step === 1 ? 0.5 : 0));
      const height = Math.max(1, y(0) - y(value));
      path += `M${round(left)} ${round(y(0))}v${round(-height)}h${round(width)}v${round(height)}z`;
    });
    if (path) svg("path", { class: className, d: path }, parent);
  };

  const heldAreas = (parent, tuple, x, y) => {
    if (tuple.held.length === 0) return;
    // What was there when the first step began, as far as that can be told.
    const before = Math.max(0, tuple.held[0] - tuple.opened[0] * tuple.step);
    const held = [before, ...tuple.held];
    const timeWait = [Math.min(before, tuple.timeWait[0]), ...tuple.timeWait];
    const xs = held.map((_, i) => x(Math.max(0, second(tuple, i - 1))));
    area(parent, "time-wait", xs, (i) => y(timeWait[i]), () => y(0));
    area(parent, "open", xs, (i) => y(held[i]), (i) => y(timeWait[i]));
  };

  const usableLine = (parent, tuple, x, y) => {
    let path = "";
    tuple.usable.forEach((value, i) => {
      if (i > 0 && value === tuple.usable[i - 1]) return;
      path += (i === 0 ? "M" + round(x(0)) : "H" + round(x(second(tuple, i - 1)))) + (i ? "V" : " ") + round(y(value));
    });
    if (path) svg("path", { class: "usable", d: path + "H" + round(x(report.seconds)) }, parent);
  };

  // The large chart: panels below each other with one axis of time.
  const drawLarge = (place, tuple, width) => {
    const left = 56;
    const right = width - 12;
    const x = (s) => left + (s / Math.max(1, report.seconds)) * (right - left);
    const offScale = tuple.peak.held < tuple.limit / 4;
    const panels = [
      {
        caption: "ports held", height: 210, max: Math.max(1, offScale ? tuple.peak.held : Math.max(tuple.limit, tuple.peak.held)) * 1.06, label: grouped,
        draw: (y) => {
          heldAreas(root, tuple, x, y);
          if (!offScale) usableLine(root, tuple, x, y);
        },
      },
      {
        caption: "opened per second", height: 70, max: Math.max(0, ...tuple.opened), label: rate,
        draw: (y) => bars(root, "opened", x, y, tuple, tuple.opened),
      },
      {
        caption: "failed per second", height: 60, max: Math.max(0, ...tuple.failed), label: rate,
        draw: (y) => bars(root, "failed", x, y, tuple, tuple.failed),
      },
      {
        caption: "longest search for a port", height: 60, max: Math.max(0, ...tuple.search), label: duration,
        draw: (y) => bars(root, "search", x, y, tuple, tuple.search),
      },
    ].filter((panel) => panel.max > 0);

    const rows = markRows(tuple, x, right);
    const head = 8 + 15 * rows.count;
    const total = head + panels.reduce((sum, panel) => sum + panel.height + 34, 0) + 18;
    const root = svg("svg", { viewBox: `0 0 ${width} ${total}`, role: "img", tabindex: 0 });
    root.setAttribute("aria-label", `Ports held over time, ${tuple.name}: ${described(tuple)}`);

    let top = head;
    for (const panel of panels) {
      const bottom = top + 20 + panel.height;
      const y = (value) => bottom - (value / panel.max) * panel.height;
      const step = niceStep(panel.max, panel.height > 100 ? 5 : 3);
      for (let value = 0; value <= panel.max; value += step) {
        svg("line", { class: "grid", x1: left, x2: right, y1: Math.round(y(value)), y2: Math.round(y(value)) }, root);
        text(root, left - 6, y(value) + 4, panel.label(value), "end");
      }
      panel.draw(y);
      panel.top = top;
      top = bottom + 14;
    }
    drawMarks(root, rows, x, top - 14);
    for (const panel of panels) text(root, left, panel.top + 12, panel.caption, "start", "caption");
    const usable = offScale ? tuple.limit : tuple.usable.at(-1);
    text(root, right, head + 12, grouped(usable) + (offScale ? " usable: off this scale ↑" : " usable"), "end");
    timeAxis(root, x, left, right, top);
    const cursor = svg("line", { class: "cursor", y1: head + 20, y2: top - 14 }, root);
    place.replaceChildren(root);
    follow(place, root, cursor, tuple, x, width);
  };

  // Labels of moments in as many rows as it takes that none covers another.
  const markRows = (tuple, x, right) => {
    const ends = [];
    const marks = tuple.marks.map(([s, kind, label]) => {
      const width = label.length * 7 + 12;
      const from = Math.min(x(s), right - width);
      let row = ends.findIndex((end) => end < from);
      if (row < 0) row = ends.length < 4 ? ends.push(0) - 1 : 3;
      ends[row] = from + width;
      return { s, kind, label, row, from };
    });
    return { marks, count: ends.length };
  };
  const drawMarks = (root, rows, x, bottom) => {
    for (const { s, kind, label, row, from } of rows.marks) {
      const y = 15 * (row + 1);
      svg("line", { class: "mark " + kind, x1: x(s), x2: x(s), y1: y - 11, y2: bottom }, root);
      text(root, from + 4, y, label, "start", "mark " + kind);
    }
  };
  const timeAxis = (root, x, left, right, y) => {
    const step = timeStep(report.seconds, (right - left) / 90);
    // On the round times of the clock.
    const first = step - ((report.begin / 1000 + report.zone) % step);
    for (let s = first % step; s <= report.seconds; s += step) {
      svg("line", { class: "grid", x1: x(s), x2: x(s), y1: y - 14, y2: y - 9 }, root);
      const anchor = x(s) > right - 26 ? "end" : x(s) < left + 26 ? "start" : "middle";
      text(root, x(s), y + 4, clock(s), anchor);
      text(root, x(s), y + 18, relative(s), anchor);
    }
  };

  // Values under the pointer, the finger, or moved to with the arrow keys.
  const follow = (place, root, cursor, tuple, x, width) => {
    const tip = html("div", "tip", undefined, place);
    tip.setAttribute("role", "status");
    let current = -1;
    const show = (i) => {
      current = Math.min(Math.max(i, 0), tuple.held.length - 1);
      if (current < 0) return;
      const s = second(tuple, current);
      const at = (series) => series[current];
      const table = html("table");
      const row = (name, value, colour) => {
        const line = html("tr", "", undefined, table);
        const cell = html("td", "", undefined, line);
        if (colour) html("i", "", undefined, cell).style.background = `var(--${colour})`;
        cell.append(name);
        html("td", "", value, line);
      };
      const [held, usable] = [at(tuple.held), at(tuple.usable)];
      row("held", `${grouped(held)} of ${grouped(usable)} (${percent(held, usable)})`);
      row("open", grouped(held - at(tuple.timeWait)), "open");
      row("TIME_WAIT", grouped(at(tuple.timeWait)), "time-wait");
      row("opened", rate(at(tuple.opened)) + " /s", "opened");
      row("failed", rate(at(tuple.failed)) + " /s", "failed");
      if (at(tuple.search)) row("search", duration(at(tuple.search)), "search");
      for (const [when, kind, label] of tuple.marks) {
        if (when <= s && when > s - tuple.step) row(label, clock(when), kind === "failure" ? "failed" : "alert");
      }
      const title = html("b", "", `${clock(s)}  ${relative(s)}`);
      tip.replaceChildren(title, table);
      cursor.setAttribute("x1", x(s));
      cursor.setAttribute("x2", x(s));
      const scale = root.clientWidth / width;
      const side = x(s) * scale;
      const leftSide = side + tip.offsetWidth + 14 > place.clientWidth;
      tip.style.left = Math.max(0, leftSide ? side - tip.offsetWidth - 12 : side + 12) + "px";
      tip.style.top = "40px";
      tip.style.visibility = cursor.style.visibility = "visible";
    };
    const hide = () => (tip.style.visibility = cursor.style.visibility = "hidden");
    const point = (event) => {
      const box = root.getBoundingClientRect();
      const wanted = ((event.clientX - box.left) / box.width) * width;
      const s = ((wanted - x(0)) / (x(report.seconds) - x(0))) * report.seconds;
      show(Math.ceil((s - tuple.start) / tuple.step));
    };
    root.addEventListener("pointermove", point);
    root.addEventListener("pointerdown", point);
    root.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());
    root.addEventListener("blur", hide);
    root.addEventListener("keydown", (event) => {
      const leap = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
      if (leap) show(current + leap);
      else if (event.key === "Escape") hide();
      else return;
      event.preventDefault();
    });
  };

  // A small chart on a scale that it shares with the others.
  const drawSmall = (place, tuple, share) => {
    const root = svg("svg", { viewBox: "0 0 220 64", "aria-hidden": "true" }, place);
    const x = (s) => (s / Math.max(1, report.seconds)) * 220;
    const y = (value) => 63 - Math.min(1, value / tuple.limit / share) * 58;
    svg("line", { class: "grid", x1: 0, x2: 220, y1: 63, y2: 63 }, root);
    heldAreas(root, tuple, x, y);
    if (share === 1) usableLine(root, tuple, x, y);
    for (const [s, kind] of tuple.marks) {
      if (kind === "failure") svg("line", { class: "mark failure", x1: x(s), x2: x(s), y1: 0, y2: 63 }, root);
    }
  };

  // Which tuple the large chart shows

  const title = document.getElementById("chart-title");
  const note = document.getElementById("chart-note");
  const large = document.getElementById("chart");
  const many = document.getElementById("many");
  let shown = report.worst;
  const draw = (width) => drawLarge(large, report.tuples[shown], Math.max(280, Math.floor(width)));
  const choose = (index, scroll) => {
    shown = index;
    const tuple = report.tuples[index];
    title.textContent = tuple.name;
    note.textContent = described(tuple);
    for (const button of many.children) button.setAttribute("aria-pressed", button.dataset.tuple === String(index));
    for (const button of document.querySelectorAll("td button[data-tuple]")) {
      button.closest("tr").classList.toggle("chosen", button.dataset.tuple === String(index));
    }
    draw(large.clientWidth);
    if (scroll) title.scrollIntoView();
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tuple]");
    if (button) choose(Number(button.dataset.tuple), true);
  });

  // Tables

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    const value = (row, column, isNumber) => {
      const cell = row.cells[column];
      const raw = cell.dataset.v ?? cell.textContent;
      if (!isNumber) return raw;
      const number = parseFloat(raw.replaceAll(",", ""));
      return Number.isNaN(number) ? -1 : number;
    };
    heads.forEach((head, column) => {
      const isNumber = head.classList.contains("n");
      const button = html("button", "", head.textContent);
      button.type = "button";
      head.replaceChildren(button);
      if (!head.ariaSort) head.ariaSort = "none";
      button.addEventListener("click", () => {
        const first = isNumber ? "descending" : "ascending";
        const other = isNumber ? "ascending" : "descending";
        const order = head.ariaSort === first ? other : first;
        for (const each of heads) each.ariaSort = each === head ? order : "none";
        const sign = order === "ascending" ? 1 : -1;
        const keyed = [...body.rows].map((row) => ({ row, key: value(row, column, isNumber) }));
        keyed.sort((a, b) => sign * (isNumber ? a.key - b.key : a.key.localeCompare(b.key, "en", { numeric: true })));
        body.append(...keyed.map((each) => each.row));
      });
    });
  }

  const find = document.getElementById("find");
  find?.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    for (const row of document.getElementById("tuples").tBodies[0].rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
    }
  });

  // Begin

  for (const node of document.querySelectorAll(".script")) node.hidden = false;
  if (report.tuples.length > 0) {
    const few = report.tuples.slice(0, worst);
    const fullest = Math.max(0, ...few.map((tuple) => tuple.peak.held / tuple.limit));
    const share = fullest >= 0.25 ? 1 : fullest * 1.1 || 1;
    if (few.length > 1) {
      few.forEach((tuple, index) => {
        const button = html("button", "", undefined, many);
        button.type = "button";
        button.dataset.tuple = index;
        html("b", "", tuple.name, button);
        html("small", "", briefly(tuple), button);
        drawSmall(button, tuple, share);
      });
    }
    choose(report.worst, false);
    let width = large.clientWidth;
    new ResizeObserver(() => {
      if (large.clientWidth === width) return;
      width = large.clientWidth;
      draw(width);
    }).observe(large);
    // On paper, the letters of a wide chart would be too small.
    addEventListener("beforeprint", () => draw(700));
    addEventListener("afterprint", () => draw(large.clientWidth));
  }
})();
