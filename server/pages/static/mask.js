// Brushing a mask: white where the image may change. With a pointer, or with the keys that the canvas's label names.
"use strict";

const form = document.querySelector("[data-easel]");
const veil = document.getElementById("veil");
const says = document.getElementById("brush-says");
const width = document.getElementById("width");
const rub = document.getElementById("rub");
const shown = veil.getContext("2d");
const mask = document.createElement("canvas");
[mask.width, mask.height] = [veil.width, veil.height];
const drawn = mask.getContext("2d", { willReadFrequently: true });
const before = [];
let cursor = { x: veil.width / 2, y: veil.height / 2 };
let stroke = null;

veil.hidden = false;
document.getElementById("tools").hidden = false;

const radius = () => (Math.max(veil.width, veil.height) * Number(width.value)) / 200;

function remember() {
  before.push(drawn.getImageData(0, 0, mask.width, mask.height));
  if (before.length > 20) before.shift();
}

function dab(from, to, erase) {
  drawn.globalCompositeOperation = erase ? "destination-out" : "source-over";
  drawn.strokeStyle = drawn.fillStyle = "#fff";
  drawn.lineWidth = 2 * radius();
  drawn.lineCap = drawn.lineJoin = "round";
  drawn.beginPath();
  drawn.moveTo(from.x, from.y);
  drawn.lineTo(to.x + 0.01, to.y);
  drawn.stroke();
}

function show() {
  shown.clearRect(0, 0, veil.width, veil.height);
  shown.globalAlpha = 0.55;
  shown.drawImage(mask, 0, 0);
  shown.globalCompositeOperation = "source-in";
  shown.fillStyle = "#ff4a2a";
  shown.fillRect(0, 0, veil.width, veil.height);
  shown.globalCompositeOperation = "source-over";
  shown.globalAlpha = 1;
  if (document.activeElement === veil) {
    shown.lineWidth = veil.width / 300;
    for (const [color, grow] of [["#fff", 0], ["#000", veil.width / 300]]) {
      shown.strokeStyle = color;
      shown.beginPath();
      shown.arc(cursor.x, cursor.y, radius() + grow, 0, 7);
      shown.stroke();
    }
  }
}

// How much of the image is marked, in percent; a small copy is exact enough.
function share() {
  const small = document.createElement("canvas");
  [small.width, small.height] = [64, 64];
  const context = small.getContext("2d");
  context.drawImage(mask, 0, 0, 64, 64);
  const alpha = context.getImageData(0, 0, 64, 64).data.filter((_, index) => index % 4 === 3);
  return (100 * alpha.reduce((sum, value) => sum + value, 0)) / (255 * alpha.length);
}

function tell() {
  const part = share();
  says.textContent = part === 0 ? "Nothing is marked: the whole image may change." : `About ${Math.max(1, Math.round(part))} percent is marked.`;
  show();
}

function at(event) {
  const box = veil.getBoundingClientRect();
  return { x: ((event.clientX - box.left) * veil.width) / box.width, y: ((event.clientY - box.top) * veil.height) / box.height };
}

veil.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  veil.setPointerCapture(event.pointerId);
  remember();
  stroke = cursor = at(event);
  dab(stroke, stroke, rub.checked);
  show();
});
veil.addEventListener("pointermove", (event) => {
  if (!stroke) return;
  cursor = at(event);
  dab(stroke, cursor, rub.checked);
  stroke = cursor;
  show();
});
for (const end of ["pointerup", "pointercancel"]) {
  veil.addEventListener(end, () => {
    stroke = null;
    tell();
  });
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
veil.addEventListener("keydown", (event) => {
  const move = MOVES[event.key];
  if (move) {
    const step = (veil.width / 100) * (event.shiftKey ? 5 : 1);
    cursor = {
      x: Math.min(veil.width, Math.max(0, cursor.x + move[0] * step)),
      y: Math.min(veil.height, Math.max(0, cursor.y + move[1] * step)),
    };
  } else if (event.key === " " || event.key === "Delete" || event.key === "Backspace") {
    remember();
    dab(cursor, cursor, event.key !== " " || rub.checked);
    tell();
  } else if (event.key === "+" || event.key === "-") {
    width.value = Number(width.value) + (event.key === "+" ? 2 : -2);
  } else if (event.key.toLowerCase() === "z") {
    undo();
  } else {
    return;
  }
  event.preventDefault();
  show();
});
veil.addEventListener("focus", show);
veil.addEventListener("blur", show);

function undo() {
  const last = before.pop();
  if (last) drawn.putImageData(last, 0, 0);
  tell();
}
document.getElementById("undo").addEventListener("click", undo);
document.getElementById("clear").addEventListener("click", () => {
  remember();
  drawn.clearRect(0, 0, mask.width, mask.height);
  tell();
});

// The mask goes with the form as a file: white on black, in the image's own size.
form.addEventListener("formdata", (event) => {
  if (share() === 0) return;
  const flat = document.createElement("canvas");
  [flat.width, flat.height] = [mask.width, mask.height];
  const context = flat.getContext("2d");
  context.fillStyle = "#000";
  context.fillRect(0, 0, flat.width, flat.height);
  context.drawImage(mask, 0, 0);
  const bytes = Uint8Array.from(atob(flat.toDataURL("image/png").split(",")[1]), (letter) => letter.charCodeAt(0));
  event.formData.set("mask", new Blob([bytes], { type: "image/png" }), "mask.png");
});
