"use strict";

const $ = (selector) => document.querySelector(selector);
const data = JSON.parse($("#data").textContent);
const views = data.rows.filter((row) => row.images.some(Boolean)); // those that can be looked at
const state = {
  left: 0, right: views.length - 1, frame: 0,
  split: 0.5, // of the stage's width
  zoom: null, // pixels of the screen for one of the image; null: the complete image fits
  x: 0.5, y: 0.5, // the point of the image in the middle of the stage
  drawn: "", // what is visible
};
const ZOOMS = [0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16];
const NEAR = 22; // pixels within which the divider is grabbed
const PLAY_MS = [40, 500]; // shortest and longest time of a frame

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const time = (seconds) => `${seconds.toFixed(3)} s`;
const stage = $("#stage"), canvases = { left: $("#before"), right: $("#after") };

function element(name, text = "", className = "") {
  const created = document.createElement(name);
  created.textContent = text;
  if (className) created.className = className;
  return created;
}

// Images

const decoded = new Map(); // by their addresses

function decode(source) {
  if (!decoded.has(source)) {
    const image = new Image();
    image.src = source;
    decoded.set(source, image.decode().then(() => image));
  }
  return decoded.get(source);
}

async function draw() {
  const wanted = [state.left, state.right, state.frame].join();
  const sources = { left: views[state.left].images[state.frame], right: views[state.right].images[state.frame] };
  const images = {};
  for (const [side, source] of Object.entries(sources)) images[side] = source ? await decode(source) : null;
  if (wanted !== [state.left, state.right, state.frame].join()) return; // it has changed meanwhile
  for (const [side, canvas] of Object.entries(canvases)) {
    [canvas.width, canvas.height] = [data.width, data.height];
    if (images[side]) canvas.getContext("2d").drawImage(images[side], 0, 0);
  }
  const missing = ["left", "right"].filter((side) => !sources[side]).map((side) => views[state[side]].name);
  $("#message").textContent = missing.length ? `no frame at this time: ${missing.join(", ")}` : "";
  state.drawn = wanted;
  const next = (state.frame + 1) % data.times.length;
  for (const side of ["left", "right"]) {
    const source = views[state[side]].images[next];
    if (source) decode(source).catch(() => {}); // so that the next step is immediate
  }
}

// Position

function scale() {
  const fit = Math.min(stage.clientWidth / (data.width * data.aspect), stage.clientHeight / data.height);
  return state.zoom === null ? fit : state.zoom / devicePixelRatio;
}

function offset(middle, length, room) { // of an image's edge, so that it covers the stage, or is in its middle
  return length <= room ? (room - length) / 2 : clamp(room / 2 - middle * length, room - length, 0);
}

function place() {
  const down = scale(), across = down * data.aspect;
  const [width, height] = [data.width * across, data.height * down];
  const left = offset(state.x, width, stage.clientWidth), top = offset(state.y, height, stage.clientHeight);
  if (width > stage.clientWidth) state.x = (stage.clientWidth / 2 - left) / width;
  if (height > stage.clientHeight) state.y = (stage.clientHeight / 2 - top) / height;
  for (const canvas of Object.values(canvases)) {
    canvas.style.transform = `translate(${left}px, ${top}px) scale(${across}, ${down})`;
    canvas.classList.toggle("pixelated", down * devicePixelRatio >= 1);
  }
  stage.classList.toggle("zoomed", state.zoom !== null);
  stage.style.setProperty("--split", `${100 * state.split}%`);
  $("#divider").setAttribute("aria-valuenow", Math.round(100 * state.split));
  $("#zoom").textContent = `${Math.round(100 * down * devicePixelRatio)} %`;
}

function setZoom(zoom, at = { x: stage.clientWidth / 2, y: stage.clientHeight / 2 }) { // the point `at` stays where it is
  const point = (down) => ({
    x: state.x + (at.x - stage.clientWidth / 2) / (data.width * down * data.aspect),
    y: state.y + (at.y - stage.clientHeight / 2) / (data.height * down),
  });
  if (state.zoom === null) [state.x, state.y] = [0.5, 0.5];
  const before = point(scale());
  state.zoom = zoom === null ? null : clamp(zoom, ZOOMS[0], ZOOMS.at(-1));
  const after = point(scale());
  state.x += before.x - after.x;
  state.y += before.y - after.y;
  place();
}

function stepZoom(direction, at) {
  const now = scale() * devicePixelRatio, slack = 1 + 1e-6 * direction;
  const next = direction > 0 ? ZOOMS.find((zoom) => zoom > now * slack) : ZOOMS.findLast((zoom) => zoom < now * slack);
  if (next !== undefined) setZoom(next, at);
}

function setSplit(share) {
  state.split = clamp(share, 0, 1);
  place();
}

// What is shown

function show(changes = {}) {
  Object.assign(state, changes);
  const moment = data.times[state.frame];
  for (const side of ["left", "right"]) $(`#${side}`).value = state[side];
  $("#frame").value = state.frame;
  $("#moment").textContent = `${state.frame + 1} of ${data.times.length}, ${time(moment)}`;
  $(".left-label").textContent = views[state.left].name;
  $(".right-label").textContent = views[state.right].name;
  for (const line of document.querySelectorAll("svg .now")) {
    const { from, to, start, end } = line.dataset;
    const x = +from + (moment - start) / (end - start || 1) * (to - from);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
  }
  tabulate();
  place();
  return draw();
}

const step = (distance) => show({ frame: (state.frame + distance + data.times.length) % data.times.length });

let timer = null;

function play(on) {
  clearTimeout(timer);
  timer = null;
  $("#play").setAttribute("aria-pressed", on);
  if (!on) return;
  const ms = 1000 * (data.times[state.frame + 1] - data.times[state.frame]);
  timer = setTimeout(() => step(1).then(() => timer !== null && play(true)), clamp(ms || PLAY_MS[1], ...PLAY_MS));
}

// Figures

const COLUMNS = [
  { title: "scale", text: (row) => row.scale && `x${row.scale}` },
  { title: "own size", text: (row) => row.size?.replace("x", "×") },
  { title: "frames/s", key: "rate", digits: 1 },
  { title: "PSNR-Y, dB", key: "psnr", digits: 2 },
  { title: "SSIM", key: "ssim", digits: 4 },
  { title: "flicker", key: "flicker", digits: 3, least: true },
];

const number = (value) => (value === null || value === undefined ? null : Number(value)); // "Infinity" is a string
const text = (value, digits) => (value === null ? "–" : Number.isFinite(value) ? value.toFixed(digits) : "∞");

const value = (row, { key, text }) => (key ? row[key] : text(row)); // null and "" where there is none

function tabulate() {
  const head = document.createElement("thead"), titles = document.createElement("tr"), body = document.createElement("tbody");
  const columns = COLUMNS.filter((column) => data.rows.some((row) => value(row, column)));
  titles.append(...["", ...columns.map(({ title }) => title)].map((title) => {
    const cell = element("th", title);
    cell.scope = "col";
    return cell;
  }));
  head.append(titles);
  body.append(...data.rows.map((row) => tableRow(row, columns)));
  $("#figures").replaceChildren(head, body);
}

function tableRow(row, columns) {
  const line = document.createElement("tr"), name = element("th"), swatch = element("i", "", "swatch");
  name.scope = "row";
  if (row.colour !== null) name.append(swatch);
  swatch.classList.add(`c${row.colour}`);
  name.append(row.name);
  line.append(name);
  if (row.failure) {
    const cell = element("td", row.failure, "failure");
    cell.colSpan = columns.length;
    line.append(cell);
    return line;
  }
  line.append(...columns.map((column) => tableCell(row, column)));
  return line;
}

function tableCell(row, column) {
  if (column.text) return element("td", column.text(row) || "–");
  const own = number(row[column.key]), cell = element("td", text(own, column.digits));
  const all = data.rows.map((each) => number(each[column.key])).filter((each) => each !== null);
  const best = column.least ? Math.min(...all) : Math.max(...all);
  if (own !== null && own === best && all.length > 1) cell.className = "best";
  const here = number(row.shown[state.frame]?.[column.key]);
  if (here !== null) cell.append(element("small", `frame: ${text(here, column.digits)}`));
  return cell;
}

// Controls

const pointers = new Map(); // those that are down, by their numbers, with their places
let mode = null; // divide, pan or pinch

const placeOf = (event) => {
  const box = stage.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
};

stage.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  const at = placeOf(event);
  stage.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, at);
  const near = Math.abs(at.x - state.split * stage.clientWidth) <= NEAR;
  mode = pointers.size > 1 ? "pinch" : state.zoom === null || near ? "divide" : "pan";
  stage.classList.toggle("panning", mode === "pan");
  if (mode === "divide" && event.pointerType === "mouse") setSplit(at.x / stage.clientWidth);
});

stage.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const at = placeOf(event);
  if (mode === "divide") setSplit(at.x / stage.clientWidth);
  if (mode === "pan") pan(at.x - before.x, at.y - before.y);
  if (mode === "pinch") pinch(event.pointerId, before, at);
  pointers.set(event.pointerId, at);
});

for (const kind of ["pointerup", "pointercancel"]) {
  stage.addEventListener(kind, (event) => {
    pointers.delete(event.pointerId);
    mode = pointers.size && state.zoom !== null ? "pan" : null;
    stage.classList.toggle("panning", mode === "pan");
  });
}

function pan(right, down) {
  state.x -= right / (data.width * scale() * data.aspect);
  state.y -= down / (data.height * scale());
  place();
}

function pinch(id, before, at) {
  const other = [...pointers].find(([number]) => number !== id)?.[1];
  if (!other) return;
  const distance = (a) => Math.hypot(a.x - other.x, a.y - other.y) || 1;
  setZoom(scale() * devicePixelRatio * distance(at) / distance(before), { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
  pan((at.x - before.x) / 2, (at.y - before.y) / 2);
}

stage.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return; // else the page scrolls
  event.preventDefault();
  stepZoom(event.deltaY < 0 ? 1 : -1, placeOf(event));
}, { passive: false });

stage.addEventListener("dblclick", (event) => setZoom(state.zoom === null ? 2 : null, placeOf(event)));

const KEYS = {
  ArrowLeft: () => step(-1), ArrowRight: () => step(1),
  "[": () => setSplit(state.split - 0.02), "]": () => setSplit(state.split + 0.02),
  "+": () => stepZoom(1), "=": () => stepZoom(1), "-": () => stepZoom(-1), 0: () => setZoom(null),
  x: () => show({ left: state.right, right: state.left }), " ": () => play(timer === null),
};
const DIVIDER_KEYS = { ArrowLeft: -0.01, ArrowRight: 0.01, ArrowDown: -0.01, ArrowUp: 0.01, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const own = { SELECT: true, INPUT: event.key.startsWith("Arrow"), BUTTON: event.key === " " || event.key === "Enter" };
  if (own[event.target.tagName]) return; // the control's own keys
  const choice = /^[1-9]$/.test(event.key) && views[event.key - 1];
  if (event.target.id === "divider" && event.key in DIVIDER_KEYS) setSplit(state.split + DIVIDER_KEYS[event.key]);
  else if (choice) show({ right: event.key - 1 });
  else if (event.key in KEYS) KEYS[event.key]();
  else return;
  event.preventDefault();
});

const CLICKS = {
  swap: KEYS.x, previous: KEYS.ArrowLeft, next: KEYS.ArrowRight, play: KEYS[" "],
  smaller: KEYS["-"], larger: KEYS["+"], fit: KEYS[0],
};
for (const [id, act] of Object.entries(CLICKS)) $(`#${id}`).addEventListener("click", act);
for (const side of ["left", "right"]) {
  $(`#${side}`).append(...views.map((view, index) => new Option(view.name, index)));
  $(`#${side}`).addEventListener("change", (event) => show({ [side]: Number(event.target.value) }));
}
$("#frame").addEventListener("input", (event) => show({ frame: Number(event.target.value) }));
new ResizeObserver(place).observe(stage);

$("#frame").max = data.times.length - 1;
$("#facts").textContent = data.facts;
$("#notes").append(...data.notes.map((note) => element("li", note)));
stage.style.setProperty("--aspect", data.width * data.aspect / data.height);
document.title = `uprez compare: ${data.title}`;
show({ left: Math.max(0, views.findIndex((view) => view.kind === "bicubic")) });
