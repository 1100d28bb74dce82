"use strict";

const FIGURES_MS = 1000;
const RETRY_MS = 500; // after a failed request, or with nothing to do
const CONCURRENT = 4; // requests for frames; browsers open six connections to a host, and the figures need one

const streams = []; // one card each, in the server's order
const disconnectedSince = { time: null };

const $ = (selector, within = document) => within.querySelector(selector);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function element(name, text) {
  const created = document.createElement(name);
  created.textContent = text;
  return created;
}

// Formatting of numbers

function time(seconds) {
  const whole = Math.floor(seconds), pad = (n) => String(n).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

function bytes(count) {
  const step = count < 1e6 ? 1e3 : count < 1e9 ? 1e6 : 1e9;
  return `${(count / step).toFixed(1)} ${{ 1e3: "kB", 1e6: "MB", 1e9: "GB" }[step]}`;
}

const ms = (seconds) => String(Math.round(seconds * 1000));
const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
const reasons = (counts) => Object.entries(counts).filter(([, n]) => n).map(([why, n]) => `${n} ${why}`).join(", ");

// One stream: its frames and its figures

class Stream {
  constructor(index) {
    this.index = index;
    this.newest = 0; // number of the pair that is shown
    this.requested = 0; // when the last pair was requested
    this.busy = false;
    this.visible = true;
    this.card = $("#stream").content.cloneNode(true).firstElementChild;
    this.stage = $(".stage", this.card);
    this.stage.classList.add("blank");
    $("input", this.stage).addEventListener("input", (event) => this.split(event.target.value));
    $("button", this.stage).addEventListener("click", () => this.toggleFullscreen());
    new IntersectionObserver(([entry]) => { this.visible = entry.isIntersecting; }).observe(this.stage);
    $("#streams").append(this.card);
  }

  split(percent) {
    this.stage.style.setProperty("--split", `${percent}%`);
  }

  toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.stage.requestFullscreen();
  }

  async pull() {
    const answer = await fetch(`streams/${this.index}/pair?after=${this.newest}`);
    if (answer.status === 204) return;
    if (!answer.ok) throw new Error(answer.statusText);
    const body = await answer.arrayBuffer();
    const start = 4 + new DataView(body).getUint32(0);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(body, 4, start - 4)));
    const middle = start + header.before.bytes;
    const bitmaps = await Promise.all([[start, middle], [middle, body.byteLength]].map(
      ([from, to]) => createImageBitmap(new Blob([body.slice(from, to)], { type: "image/jpeg" }))));
    this.draw(header, bitmaps);
  }

  draw(header, [before, after]) {
    this.newest = header.number;
    for (const [name, bitmap] of [["before", before], ["after", after]]) {
      const canvas = $(`.${name}`, this.stage);
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      canvas.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
    }
    this.stage.style.setProperty("--aspect", header.shape);
    $(".left", this.stage).textContent = `before · ${header.before.width}×${header.before.height}`;
    $(".right", this.stage).textContent = `after · ${header.after.width}×${header.after.height}`;
    this.stage.classList.remove("blank");
  }

  update(figures) {
    this.card.dataset.status = figures.status;
    $("h2", this.card).textContent = figures.name;
    $(".status span", this.card).textContent = `${figures.status} for ${time(figures.seconds)}`;
    const formats = figures.result_format ? [figures.source_format, figures.result_format] : [];
    $(".formats", this.card).textContent = [
      figures.source, formats.join(" → "), [figures.model, figures.backend].filter(Boolean).join(" on "),
    ].filter(Boolean).join(" · ");
    $(".message", this.stage).textContent = message(figures);
    $("dl", this.card).replaceChildren(...numbers(figures).map(number));
    $("table", this.card).hidden = !figures.outputs.length;
    $("tbody", this.card).replaceChildren(...figures.outputs.map(output));
    $(".notes", this.card).replaceChildren(...figures.notes.map((note) => element("li", note)));
  }
}

function message(figures) {
  if (figures.status === "live") return "";
  const labels = { connecting: "connecting since", waiting: "disconnected since", failed: "failed at", ended: "ended at" };
  const time = new Date(Date.now() - figures.seconds * 1000).toLocaleTimeString();
  const retry = figures.status === "waiting" ? ", retrying" : "";
  return [`${labels[figures.status]} ${time}${retry}`, figures.reason].filter(Boolean).join("\n");
}

function numbers(figures) {
  const delay = figures.delay;
  const rows = [
    ["frames in", figures.rate_in.toFixed(1), "fps"],
    ["frames out", figures.rate_out.toFixed(1), "fps"],
    ...["p50", "p95", "p99"].map((p) => [`delay ${p}`, delay ? ms(delay[p]) : "–", delay ? "ms" : ""]),
    ["waiting", figures.waiting, "", `${figures.most_waiting} at most`],
    ["dropped", sum(figures.dropped), "", reasons(figures.dropped)],
    ["reconnects", Math.max(0, figures.connects - 1), "", reasons(figures.faults)],
  ];
  if (figures.frames_repeated) rows.push(["repeated", figures.frames_repeated, "", "upscaled once"]);
  if (figures.frames_filled) rows.push(["filled", figures.frames_filled, "", "repeated in gaps"]);
  return rows;
}

function number([name, value, unit, detail = ""]) {
  const row = document.createElement("div"), description = element("dd", value);
  description.append(element("small", unit), element("p", detail));
  row.append(element("dt", name), description);
  return row;
}

function output(figures) {
  const row = document.createElement("tr"), dropped = reasons(figures.dropped);
  row.dataset.status = figures.status;
  const details = [bytes(figures.bytes), figures.lag >= 0.1 && `${figures.lag.toFixed(1)} s queued`, dropped && `dropped ${dropped}`];
  row.append(
    element("td", figures.status),
    element("td", [figures.name, figures.reason].filter(Boolean).join(": ")),
    element("td", details.filter(Boolean).join(", ")));
  return row;
}

// The page

function update(figures) {
  figures.streams.forEach((each, index) => (streams[index] ??= new Stream(index)).update(each));
  for (const removed of streams.splice(figures.streams.length)) removed.card.remove();
  const machine = [
    ["up", time(figures.uptime)], ["memory", bytes(figures.memory)],
    ...figures.gpus.map((gpu) => [
      gpu.name, `${Math.round(gpu.use * 100)} %, ${bytes(gpu.memory)} of ${bytes(gpu.memory_total)}`]),
  ];
  $("#machine").replaceChildren(...machine.map(([name, value]) => {
    const item = element("li", `${name} `);
    item.append(element("b", value));
    return item;
  }));
}

function showDisconnected(reason) {
  disconnectedSince.time ??= new Date();
  for (const stream of streams) stream.newest = 0; // another process counts from 1
  $("#disconnected").textContent = `No figures since ${disconnectedSince.time.toLocaleTimeString()}: ${reason}. Retrying.`;
  $("#disconnected").hidden = false;
}

function showConnected() {
  disconnectedSince.time = null;
  $("#disconnected").hidden = true;
}

async function watchFigures() {
  for (;;) {
    try {
      const answer = await fetch("figures", { signal: AbortSignal.timeout(5000) });
      if (answer.ok) {
        update(await answer.json());
        showConnected();
      } else {
        showDisconnected(answer.status === 401 ? "the token is no longer valid; open the address with the new one" : answer.statusText);
      }
    } catch {
      showDisconnected("uprez does not answer");
    }
    await sleep(FIGURES_MS);
  }
}

async function watchFrames() {
  for (;;) {
    const next = streams.filter((each) => each.visible && !each.busy).sort((a, b) => a.requested - b.requested)[0];
    if (document.hidden || disconnectedSince.time || !next) {
      await sleep(RETRY_MS / 5);
      continue;
    }
    [next.busy, next.requested] = [true, performance.now()];
    try {
      await next.pull();
    } catch {
      await sleep(RETRY_MS); // the figures show what is wrong
    }
    next.busy = false;
  }
}

history.replaceState(null, "", location.pathname); // the token is in a cookie now
watchFigures();
for (let i = 0; i < CONCURRENT; i++) watchFrames();
