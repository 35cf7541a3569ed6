"use strict";
// The jobs' board: draws the charts, and keeps them and the numbers of the page as the server tells them. Without it the page shows
// its tables as they were when it was asked for. It asks nobody but its own origin.
(() => {
  const board = document.getElementById("board");
  if (!board) return;
  const parse = (id) => JSON.parse(document.getElementById(id).textContent);
  const words = parse("board-words");
  const locale = document.documentElement.lang;
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const svgNames = "http://www.w3.org/2000/svg";
  let latest = parse("board-data");

  const make = (name, attributes = {}, text) => {
    const element = document.createElementNS(svgNames, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const html = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // What each chart shows of the series.
  const sets = {
    ended: (s) => [["succeeded", s.succeeded], ["retried", s.retried], ["failed", s.failed], ["other", s.other]],
    failures: (s) => [["failed", s.failed], ["retried", s.retried]],
    waits: (s) => [["median", s.wait50], ["most", s.wait95]],
    runs: (s) => [["median", s.run50], ["most", s.run95]],
    spread: (s) => [["ran", s.spreadRuns], ["waited", s.spreadWaits]],
    lengths: (s) => longest(s.lengths).map((line, place) => [`line${place + 1}`, line.values, line.name]),
  };
  const isTime = { waits: true, runs: true };

  // The six queues that were longest; more lines nobody can tell apart.
  function longest(lines) {
    const peak = (line) => Math.max(0, ...line.values.filter((value) => value !== null));
    return [...lines].sort((a, b) => peak(b) - peak(a) || (a.name < b.name ? -1 : 1)).slice(0, 6);
  }

  function duration(milliseconds) {
    if (milliseconds >= 7200e3) return `${number.format(milliseconds / 3600e3)} ${words.unit_h}`;
    if (milliseconds >= 120e3) return `${number.format(milliseconds / 60e3)} ${words.unit_min}`;
    if (milliseconds >= 1000) return `${number.format(milliseconds / 1000)} ${words.unit_s}`;
    return `${number.format(milliseconds)} ${words.unit_ms}`;
  }

  // The top of a scale: a round number not below a value, whose half is round, too.
  function nice(value) {
    if (value <= 0) return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value) * power;
  }

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.name = figure.dataset.chart;
      this.isBars = figure.dataset.kind === "bars";
      this.isSpread = figure.dataset.kind === "spread";
      this.stage = figure.querySelector(".stage");
      this.legend = figure.querySelector(".legend");
      this.table = figure.querySelector("details");
      this.tip = html("div", "tip");
      this.tip.setAttribute("role", "status");
      this.tip.hidden = true;
      this.cursor = null;
      this.stage.append(this.tip);
      this.stage.addEventListener("pointermove", (event) => this.point(event));
      this.stage.addEventListener("pointerleave", () => this.show(null));
      this.stage.addEventListener("keydown", (event) => this.key(event));
      this.stage.addEventListener("blur", () => this.show(null));
      this.table.addEventListener("toggle", () => this.tabulate());
      new ResizeObserver(() => this.draw()).observe(this.stage);
    }

    get format() { return isTime[this.name] ? duration : (value) => number.format(value); }

    update(series) {
      this.series = series;
      this.sets = sets[this.name](series).map(([key, values, label]) => ({ key, values, label: label ?? words[key] }));
      this.count = this.sets[0] ? this.sets[0].values.length : 0;
      this.draw();
      if (this.table.open) this.tabulate();
    }

    when(index, isLong) {
      if (this.isSpread) {
        const bounds = this.series.bounds;
        const word = index < bounds.length ? `≤ ${duration(bounds[index])}` : `> ${duration(bounds[index - 1])}`;
        return isLong ? word : word.slice(2);
      }
      const begin = new Date((this.series.begin + index * this.series.step) * 1000);
      const isDays = this.series.step >= 3600;
      const options = isDays
        ? (isLong ? { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } : { day: "numeric", month: "short" })
        : (isLong && this.series.step < 60 ? { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      return new Intl.DateTimeFormat(locale, options).format(begin);
    }

    // Whether there is nothing to draw: a line at 0 is something.
    get isEmpty() { return this.isBars || this.isSpread ? this.top === 0 : this.sets.every((set) => set.values.every((value) => value === null)); }

    get top() {
      let top = 0;
      for (let index = 0; index < this.count; index += 1) {
        const values = this.sets.map((set) => set.values[index] ?? 0);
        top = Math.max(top, this.isBars ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values));
      }
      return top;
    }

    draw() {
      if (!this.series) return;
      const width = Math.max(this.stage.clientWidth, 120);
      const height = this.stage.clientHeight;
      const frame = { left: 52, right: 8, top: 8, bottom: 22 };
      const inner = { width: width - frame.left - frame.right, height: height - frame.top - frame.bottom };
      const top = nice(this.top);
      const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
      this.place = (index) => frame.left + (index + 0.5) * inner.width / this.count;
      const level = (value) => frame.top + inner.height * (1 - value / top);
      this.grid(svg, frame, inner, top, level);
      if (this.isBars) this.bars(svg, inner, level); else if (this.isSpread) this.groups(svg, inner, level); else this.lines(svg, level);
      this.mark = make("line", { class: "mark", y1: frame.top, y2: frame.top + inner.height, x1: 0, x2: 0, visibility: "hidden" });
      svg.append(this.mark);
      if (this.isEmpty) svg.append(make("text", { class: "nothing", x: frame.left + inner.width / 2, y: frame.top + inner.height / 2 }, words.noData));
      const old = this.stage.querySelector("svg");
      if (old) old.replaceWith(svg); else this.stage.prepend(svg);
      this.describe();
      if (this.cursor !== null) this.show(Math.min(this.cursor, this.count - 1));
    }

    grid(svg, frame, inner, top, level) {
      const whole = !isTime[this.name] && top < 4;
      const parts = whole ? top : 4;
      for (let part = 0; part <= parts; part += 1) {
        const value = top * part / parts;
        svg.append(make("line", { class: "grid", x1: frame.left, x2: frame.left + inner.width, y1: level(value), y2: level(value) }));
        if (part % 2 === 0 || whole) svg.append(make("text", { class: "axis up", x: frame.left - 6, y: level(value) + 4 }, this.format(value)));
      }
      const every = Math.max(1, Math.ceil(this.count * 76 / inner.width));
      for (let index = this.count - 1 - (this.isSpread ? 1 : 0); index >= 0; index -= every) {
        const x = this.place(index);
        if (x < frame.left + 20 || x > frame.left + inner.width - 14) continue;
        svg.append(make("text", { class: "axis along", x, y: frame.top + inner.height + 16 }, this.when(index)));
      }
    }

    bars(svg, inner, level) {
      const width = Math.max(1, inner.width / this.count - (inner.width / this.count > 4 ? 1.5 : 0.5));
      for (let index = 0; index < this.count; index += 1) {
        let sum = 0;
        for (const set of this.sets) {
          const value = set.values[index];
          if (!value) continue;
          const y = level(sum + value);
          const bar = { class: `bar-${set.key}`, x: this.place(index) - width / 2, y, width, height: Math.max(1, level(sum) - y) };
          svg.append(make("rect", index === this.count - 1 ? { ...bar, opacity: 0.6 } : bar));
          sum += value;
        }
      }
    }

    // Bars side by side.
    groups(svg, inner, level) {
      const width = Math.max(1, inner.width / this.count * 0.4);
      this.sets.forEach((set, place) => set.values.forEach((value, index) => {
        if (!value) return;
        const y = level(value);
        svg.append(make("rect", { class: `bar-${set.key}`, x: this.place(index) + (place - 1) * width, y, width, height: Math.max(1, level(0) - y) }));
      }));
    }

    lines(svg, level) {
      for (const set of this.sets) {
        // What is not known is a gap; a point without neighbours is a dot.
        let run = [];
        const flush = () => {
          if (run.length === 1) svg.append(make("circle", { class: `dot-${set.key}`, cx: run[0][0], cy: run[0][1], r: 2 }));
          if (run.length > 1) svg.append(make("polyline", { class: `line-${set.key}`, points: run.map((point) => point.join(",")).join(" ") }));
          run = [];
        };
        set.values.forEach((value, index) => {
          if (value === null) flush(); else run.push([this.place(index).toFixed(1), level(value).toFixed(1)]);
        });
        flush();
      }
    }

    // The legend, with what the last bar with anything in it says.
    describe() {
      const items = this.sets.map((set) => {
        const item = html("li");
        item.append(html("span", `swatch swatch-${set.key}`), document.createTextNode(set.label));
        return item;
      });
      this.legend.replaceChildren(...items);
      this.figure.dataset.total = String(this.sets.reduce((sum, set) => sum + set.values.reduce((part, value) => part + (value ?? 0), 0), 0));
    }

    point(event) {
      const box = this.stage.getBoundingClientRect();
      const first = this.place(0);
      const step = this.count > 1 ? this.place(1) - first : 1;
      this.show(Math.min(Math.max(Math.round((event.clientX - box.left - first) / step), 0), this.count - 1));
    }

    key(event) {
      const from = this.cursor ?? this.count;
      const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: this.count - 1, Escape: null }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.show(to === null ? null : Math.min(Math.max(to, 0), this.count - 1));
    }

    show(index) {
      this.cursor = index;
      this.tip.hidden = index === null;
      this.mark?.setAttribute("visibility", index === null ? "hidden" : "visible");
      if (index === null) return;
      const x = this.place(index);
      this.mark.setAttribute("x1", x);
      this.mark.setAttribute("x2", x);
      const lines = this.sets.map((set) => {
        const line = html("span", "", `${set.label}: ${set.values[index] === null ? "–" : this.format(set.values[index])}`);
        line.prepend(html("i", `swatch swatch-${set.key}`));
        return line;
      });
      this.tip.replaceChildren(html("b", "", this.when(index, true)), ...lines);
      const room = this.stage.clientWidth - this.tip.offsetWidth - 4;
      this.tip.style.left = `${Math.max(4, Math.min(x + 10 > room ? x - this.tip.offsetWidth - 10 : x + 10, room))}px`;
    }

    tabulate() {
      if (!this.table.open || !this.series) return;
      const table = html("table");
      const head = table.createTHead().insertRow();
      for (const label of [this.isSpread ? words.durationColumn : words.timeColumn, ...this.sets.map((set) => set.label)]) {
        const cell = html("th", "", label);
        cell.scope = "col";
        head.append(cell);
      }
      const body = table.createTBody();
      for (const index of this.isSpread ? [...Array(this.count).keys()] : [...Array(this.count).keys()].reverse()) {
        const row = body.insertRow();
        row.insertCell().textContent = this.when(index, true);
        for (const set of this.sets) row.insertCell().textContent = set.values[index] === null ? "–" : this.format(set.values[index]);
      }
      this.table.querySelector(".rows").replaceChildren(table);
    }
  }

  const charts = [...board.querySelectorAll("[data-chart]")].map((figure) => new Chart(figure));

  function apply(event) {
    latest = event;
    for (const chart of charts) chart.update(event.series);
    for (const element of document.querySelectorAll("[data-live]")) {
      const text = event.texts[element.dataset.live];
      if (text === undefined) continue;
      if (element.tagName === "METER") element.value = Number(text); else if (element.textContent !== text) element.textContent = text;
    }
    if (event.shape !== board.dataset.shape) readTables();
  }

  // Rows came or went: the tables are taken from the page as the server makes it now.
  let isReading = false;
  async function readTables() {
    if (isReading) return;
    isReading = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("board");
      if (!fresh) return;
      for (const region of document.querySelectorAll("[data-region]")) {
        // What somebody is about to press is not taken from under their hand.
        if (region.contains(document.activeElement)) return;
        region.replaceChildren(...page.querySelector(`[data-region="${region.dataset.region}"]`).childNodes);
      }
      board.dataset.shape = fresh.dataset.shape;
    } catch {
      // The next event tries again.
    } finally {
      isReading = false;
    }
  }

  // The stream.
  const state = document.getElementById("live-state");
  const toggle = document.getElementById("live-toggle");
  let source = null;
  let isPaused = false;
  let again = 0;

  function tell(name) {
    state.dataset.state = name;
    state.querySelector("span").textContent = words[name];
    toggle.textContent = isPaused ? words.liveResume : words.livePause;
  }

  function open() {
    close();
    if (isPaused || document.hidden) return;
    source = new EventSource(board.dataset.stream);
    source.onopen = () => tell("liveOn");
    source.onmessage = (message) => {
      tell("liveOn");
      apply(JSON.parse(message.data));
    };
    source.onerror = () => {
      tell("liveOff");
      // A browser tries again by itself, but not after a refusal.
      if (source.readyState === EventSource.CLOSED) again = setTimeout(open, 10_000);
    };
  }

  function close() {
    clearTimeout(again);
    source?.close();
    source = null;
  }

  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    isPaused = !isPaused;
    if (isPaused) {
      close();
      tell("livePaused");
    } else {
      tell("liveOff");
      open();
    }
  });
  document.addEventListener("visibilitychange", open);
  addEventListener("pagehide", close);
  for (const choice of board.querySelectorAll("select")) choice.addEventListener("change", () => choice.form.submit());
  tell("liveOff");
  apply(latest);
  open();
})();
