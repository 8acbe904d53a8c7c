// Keeps the feed live. Without this script the page is the same, only not by itself.
const line = document.getElementById("live");
if (line) {
  const LONGEST = 200;
  const text = document.getElementById("live-text");
  const rows = document.getElementById("rows");
  let waiting = [];
  let scheduled = false;

  // Many events arrive in one frame under load: they are put on the page together.
  const show = () => {
    scheduled = false;
    const batch = waiting.slice(-LONGEST);
    const skipped = waiting.length - batch.length;
    waiting = [];
    document.getElementById("empty")?.remove();
    for (const html of batch) {
      const holder = document.createElement("template");
      holder.innerHTML = html;
      const row = holder.content.querySelector("tr");
      row.classList.add("new");
      rows.prepend(row);
    }
    while (rows.children.length > LONGEST) rows.lastElementChild.remove();
    text.textContent = skipped ? `Live, ${skipped} not shown` : "Live";
  };

  const source = new EventSource(line.dataset.url);
  source.onopen = () => { line.classList.add("on"); text.textContent = "Live"; };
  source.onerror = () => { line.classList.remove("on"); text.textContent = "Reconnecting…"; };
  source.addEventListener("row", (message) => {
    waiting.push(message.data);
    if (!scheduled) { scheduled = true; setTimeout(show, 250); }
  });

  // Chips change after their row has appeared: look again at rows that are not settled.
  setInterval(async () => {
    if (!rows.querySelector(".chip.blue, .chip.red") || document.hidden) return;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const row of fresh.querySelectorAll("#rows tr")) {
      const shown = rows.querySelector(`tr[data-position="${row.dataset.position}"] .chips`);
      const now = row.querySelector(".chips");
      if (shown && shown.innerHTML !== now.innerHTML) shown.innerHTML = now.innerHTML;
    }
  }, 3000);
}
