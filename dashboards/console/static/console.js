// Refreshes the regions marked `data-live` by fetching the page again. Without scripts the pages work the same,
// reloaded by hand. A page that cannot be refreshed says so: a frozen screen must not look alive.
"use strict";
(() => {
  const every = 1000 * Number(document.body.dataset.refresh || 10);
  const banner = document.getElementById("lost");
  let since = null;

  function lost() {
    since = since || new Date();
    banner.textContent = document.body.dataset.lost + " " + since.toTimeString().slice(0, 8);
    banner.hidden = false;
  }

  function replace(fresh) {
    for (const region of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(region.id);
      if (!next || region.contains(document.activeElement) || next.isEqualNode(region)) continue;
      const scrolled = Array.from(region.querySelectorAll(".scroll"), (box) => box.scrollLeft);
      region.replaceWith(next);
      next.querySelectorAll(".scroll").forEach((box, i) => { box.scrollLeft = scrolled[i] || 0; });
    }
  }

  async function refresh() {
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(20000) });
      if (!answer.ok) throw new Error(answer.status);
      replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
      since = null;
      banner.hidden = true;
    } catch {
      lost();
    }
    setTimeout(refresh, every);
  }

  if (document.querySelector("[data-live]")) setTimeout(refresh, every);
})();
