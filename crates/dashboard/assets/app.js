// What a script adds: the feed goes on by itself, tables follow, times say how long ago, and text is copied with a click.
// Without it every page is the same, only not by itself.
const LONGEST = 200;

const feed = document.getElementById("live");
if (feed) {
  const text = document.getElementById("live-text");
  const rows = document.getElementById("rows");
  const pill = document.getElementById("new-events");
  let waiting = [];
  let scheduled = false;
  let held = 0;
  let arrived = 0;

  // Whoever points at a row, has gone to one or has scrolled to it is not moved away from it: what is new is counted meanwhile.
  const reading = () => scrollY > 100 || rows.matches(":hover") || rows.contains(document.activeElement);

  // Many events arrive in one frame under load: they are put on the page together, no more than fit, and counted.
  const show = () => {
    const batch = waiting;
    arrived += held;
    waiting = [];
    held = 0;
    pill.hidden = true;
    document.getElementById("empty")?.remove();
    for (const html of batch) {
      const holder = document.createElement("template");
      holder.innerHTML = html;
      const row = holder.content.querySelector("tr");
      row.classList.add("new");
      rows.prepend(row);
    }
    while (rows.children.length > LONGEST) rows.lastElementChild.remove();
    text.textContent = arrived > LONGEST ? `Live: ${arrived} new, the last ${LONGEST} shown` : "Live";
  };
  const look = () => {
    scheduled = false;
    if (!held) return;
    if (!reading()) return show();
    pill.textContent = held === 1 ? "1 new event" : `${held} new events`;
    pill.hidden = false;
  };
  pill.addEventListener("click", () => { show(); scrollTo({ top: 0 }); });
  rows.addEventListener("mouseleave", () => setTimeout(look));
  rows.addEventListener("focusout", () => setTimeout(look));
  addEventListener("scroll", () => { if (scrollY <= 100) look(); }, { passive: true });

  const source = new EventSource(feed.dataset.url);
  source.onopen = () => { feed.classList.add("on"); text.textContent = "Live"; };
  source.onerror = () => { feed.classList.remove("on"); text.textContent = "Reconnecting…"; };
  source.addEventListener("row", (message) => {
    waiting.push(message.data);
    held += 1;
    if (waiting.length > LONGEST) waiting.shift();
    if (!scheduled) { scheduled = true; setTimeout(look, 250); }
  });
}

// What a form was answered with has an address that nothing is read from: such a page says where its live parts are.
const again = async () => {
  const own = document.querySelector("[data-self]")?.dataset.self ?? location.href;
  const answer = await fetch(own).catch(() => null);
  return answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
};

// Marks change after their row has appeared; tables marked as live change as a whole, unless somebody is reading in them.
const busy = (part) => part.contains(document.activeElement) || part.querySelector("details[open]");
setInterval(async () => {
  if (document.hidden) return;
  const parts = [...document.querySelectorAll("[data-live]")].filter((part) => !busy(part));
  const rows = document.getElementById("rows");
  const unsettled = feed && rows.querySelector(".dot.blue, .dot.red");
  if (!parts.length && !unsettled) return;
  const fresh = await again();
  if (!fresh) return;
  for (const part of parts) {
    const now = fresh.getElementById(part.id);
    if (now && now.innerHTML !== part.dataset.was) {
      part.innerHTML = now.innerHTML;
      part.dataset.was = now.innerHTML;
    }
  }
  for (const row of unsettled ? fresh.querySelectorAll("#rows tr") : []) {
    const shown = rows.querySelector(`tr[data-position="${row.dataset.position}"] .chips`);
    const now = row.querySelector(".chips");
    if (shown && !busy(shown) && !shown.matches(":hover") && shown.innerHTML !== now.innerHTML) shown.innerHTML = now.innerHTML;
  }
  ages();
}, 2000);

const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [Infinity, "day", 86400]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const ages = () => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const exact = time.getAttribute("datetime");
    const seconds = (new Date(exact) - Date.now()) / 1000;
    if (Number.isNaN(seconds)) continue;
    const [, unit, size] = STEPS.find(([limit]) => Math.abs(seconds) < limit);
    time.textContent = relative.format(Math.round(seconds / size), unit);
    time.title = exact;
  }
};
ages();
setInterval(ages, 15000);

for (const part of document.querySelectorAll("pre, code.copy")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small quiet";
  button.textContent = "Copy";
  button.onclick = async () => {
    await navigator.clipboard.writeText(part.innerText);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
  part.after(button);
}

// Settings that another one asks for are shown while it does.
for (const field of document.querySelectorAll(".field[data-when]")) {
  const other = document.getElementById(`field-${field.dataset.when}`);
  const look = () => {
    const first = other?.options?.[1]?.value;
    field.hidden = other ? (other.value || first) !== field.dataset.is : false;
  };
  other?.addEventListener("change", look);
  look();
}
