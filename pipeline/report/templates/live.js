"use strict";
// Puts the run's newest state into the page, and goes on to its report when it is over.
(() => {
  const main = document.querySelector("main");
  let missed = 0;
  const step = async () => {
    try {
      const answer = await fetch("/state", { cache: "no-store" });
      if (answer.headers.get("X-Run") === "over") return location.replace("/report");
      const text = await answer.text();
      if (answer.ok) main.innerHTML = text;
      missed = 0;
    } catch {
      missed += 1;
    }
    if (missed > 3) document.getElementById("gone").hidden = false;
    else setTimeout(step, 2000);
  };
  setTimeout(step, 2000);
})();
