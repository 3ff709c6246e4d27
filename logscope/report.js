// Where scripts may run, each chart is drawn again from its specification, with tooltips, as it comes
// into view. The drawing that came with the page stays for print, and for when this fails.
(() => {
  "use strict";
  const wide = matchMedia("(min-width: 761px)");
  const options = {
    mode: "vega-lite",
    renderer: "svg",
    actions: false,
    ast: true, // expressions are interpreted: the page's policy allows no eval
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
    logLevel: 1,
  };
  const draw = async (box) => {
    const name = `${box.dataset.chart}-${wide.matches ? "wide" : "narrow"}`;
    const source = document.getElementById(`spec-${name}`);
    if (!source || box.dataset.drawn === name) return;
    box.dataset.drawn = name;
    const live = document.createElement("div");
    live.className = "live";
    box.querySelector(".live")?.remove();
    box.classList.remove("taken");
    box.append(live);
    try {
      await window.vegaEmbed(live, JSON.parse(source.textContent), options);
      box.classList.add("taken");
    } catch {
      live.remove();
    }
  };
  const seen = new IntersectionObserver(
    (entries) => entries.forEach((entry) => entry.isIntersecting && draw(entry.target)),
    { rootMargin: "400px" },
  );
  const boxes = document.querySelectorAll("[data-chart]");
  boxes.forEach((box) => seen.observe(box));
  wide.addEventListener("change", () => boxes.forEach((box) => box.dataset.drawn && draw(box)));
})();
