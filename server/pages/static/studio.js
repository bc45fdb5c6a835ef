// The studio works without this file; with it, files can be dropped and prompts taken over with one click.
"use strict";

const composer = () => document.querySelector("[data-composer]");

// One-click prompts: fill the brief, and leave it to the person to send it. An offer may be on the page a moment
// before the form is: then it is taken over as soon as the form arrives.
let offer = null;

function takeOver() {
  const field = offer && document.getElementById(offer.into);
  if (!field) return;
  field.value = offer.prompt;
  if (offer.mode) document.getElementById("mode").value = offer.mode;
  offer = null;
  field.focus();
  field.scrollIntoView({ block: "center" });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-prompt]");
  if (!button) return;
  offer = { ...button.dataset };
  takeOver();
});
new MutationObserver(takeOver).observe(document, { childList: true, subtree: true });

// Ctrl or Command with Enter sends the brief.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("[data-composer] textarea")) {
    event.target.form.requestSubmit();
  }
});

document.addEventListener("submit", (event) => {
  const button = event.target.querySelector(".press");
  if (event.target.matches("[data-composer]") && button) button.disabled = true;
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[data-composer] .press")) button.disabled = false;
});

// ---- attached files: chosen or dropped, listed with a small picture, removable ----
function keep(input, files) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
  list(input);
}

function list(input) {
  const place = input.form.querySelector("#attached");
  place.replaceChildren();
  place.hidden = input.files.length === 0;
  for (const file of input.files) {
    const item = document.createElement("li");
    if (file.type.startsWith("image/")) thumbnail(file, item);
    const name = document.createElement("span");
    name.textContent = file.name;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    remove.addEventListener("click", () => {
      keep(input, [...input.files].filter((other) => other !== file));
      input.focus();
    });
    item.append(name, remove);
    place.append(item);
  }
}

async function thumbnail(file, item) {
  try {
    const bitmap = await createImageBitmap(file, { resizeHeight: 96, resizeQuality: "medium" });
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    item.prepend(canvas);
  } catch {
    // Not a picture that a browser can show: its name is enough.
  }
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-composer] input[type=file], [data-drop] input[type=file]")) list(event.target);
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const form = event.target.closest?.("[data-composer], [data-drop]") ?? composer() ?? document.querySelector("[data-drop]");
    const input = form?.querySelector("input[type=file]");
    if (!input || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.querySelector(".paper").classList.toggle("is-over", kind === "dragover");
    if (kind !== "drop") return;
    keep(input, input.multiple ? [...input.files, ...event.dataTransfer.files] : [event.dataTransfer.files[0]]);
    if (form.matches("[data-drop]")) form.requestSubmit();
  });
}

// Pasted pictures are attached too.
document.addEventListener("paste", (event) => {
  const input = (composer() ?? document.querySelector("[data-drop]"))?.querySelector("input[type=file]");
  if (input && event.clipboardData.files.length) keep(input, input.multiple ? [...input.files, ...event.clipboardData.files] : [event.clipboardData.files[0]]);
});

// ---- how long a run has been going ----
function tick() {
  for (const clock of document.querySelectorAll("time.ticks")) {
    const seconds = Math.max(0, (Date.now() - Date.parse(clock.dataset.since)) / 1000);
    clock.textContent = seconds < 60 ? `${Math.floor(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  }
}
if (document.querySelector(".run")) {
  tick();
  setInterval(tick, 1000);
}
