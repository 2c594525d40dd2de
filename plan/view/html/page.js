"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const plan = $("plan");
  const apps = [...plan.querySelectorAll(".app")].map((element) => ({
    element,
    app: element.dataset.app,
    cluster: element.dataset.cluster,
    name: (element.dataset.app + " " + (element.querySelector("summary .of")?.textContent ?? "")).toLowerCase(),
    objects: [...element.querySelectorAll(".o")],
  }));
  const total = apps.reduce((n, a) => n + a.objects.length, 0);

  // The text of what is folded is read once, when it is first searched.
  const texts = new WeakMap();
  const templateOf = (object) => {
    const own = object.querySelector("template");
    return own?.dataset.as ? $(own.dataset.as) : own;
  };
  const textOf = (object) => {
    let text = texts.get(object);
    if (text === undefined) {
      text = object.textContent + " " + (templateOf(object)?.content.textContent ?? "");
      text = text.toLowerCase();
      texts.set(object, text);
    }
    return text;
  };

  // What is unfolded is made when it is. Templates stay, for others may be the same.
  const ensure = (object) => {
    const own = object.querySelector("template");
    if (!own || object.dataset.made) return;
    textOf(object);
    object.dataset.made = "1";
    if (own.dataset.as) {
      const note = document.createElement("p");
      note.className = "of";
      note.textContent = "The same as in other applications; the names are those of the first.";
      own.before(note);
    }
    const body = templateOf(object)?.content.cloneNode(true);
    if (body) own.before(body);
  };
  plan.addEventListener("toggle", (event) => {
    if (event.target.matches?.(".o") && event.target.open) ensure(event.target);
  }, true);

  const search = $("search");
  const chosen = (id) => $(id)?.value ?? "";
  const buttons = [...document.querySelectorAll("[data-filter]")];

  const filter = () => {
    const wanted = (search?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const actions = new Set(buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.filter));
    const [app, cluster, risk] = [chosen("application"), chosen("cluster"), chosen("risk")];
    const narrowed = wanted.length > 0 || app !== "" || risk !== "";
    let shown = 0;
    for (const a of apps) {
      const fits = (app === "" || a.app === app) && (cluster === "" || a.cluster === cluster);
      let here = 0;
      for (const object of a.objects) {
        const show = fits && actions.has(object.dataset.action) &&
          (risk === "" || (risk === "any" ? object.dataset.risk !== undefined : object.dataset.risk === risk)) &&
          wanted.every((word) => a.name.includes(word) || textOf(object).includes(word));
        object.hidden = !show;
        if (show) here++;
      }
      const empty = a.objects.length === 0 && fits && risk === "" && wanted.every((word) => a.name.includes(word));
      a.element.hidden = here === 0 && !empty;
      shown += here;
      a.here = here;
    }
    if (narrowed && shown <= 300) for (const a of apps) if (a.here > 0) a.element.open = true;
    const count = $("count");
    if (count) count.value = shown === total ? `${total} objects` : `${shown} of ${total} objects`;
    $("none").hidden = total === 0 || shown > 0;
  };

  let later = 0;
  search?.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(filter, 120);
  });
  for (const id of ["application", "cluster", "risk"]) $(id)?.addEventListener("change", filter);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  $("reset")?.addEventListener("click", () => {
    if (search) search.value = "";
    for (const id of ["application", "cluster", "risk"]) if ($(id)) $(id).value = "";
    for (const button of buttons) button.setAttribute("aria-pressed", "true");
    filter();
  });

  const most = 500;
  const unfold = () => {
    let n = 0;
    for (const a of apps) {
      if (a.element.hidden) continue;
      a.element.open = true;
      for (const object of a.objects) {
        if (object.hidden || object.tagName !== "DETAILS") continue;
        if (n++ >= most) return;
        ensure(object);
        object.open = true;
      }
    }
  };
  $("unfold")?.addEventListener("click", unfold);
  $("fold")?.addEventListener("click", () => {
    for (const a of apps) {
      for (const object of a.objects) object.open = false;
      a.element.open = false;
    }
  });
  addEventListener("beforeprint", unfold);

  $("graph")?.addEventListener("click", (event) => {
    const name = event.target.closest?.("[data-show]")?.dataset.show;
    const select = $("application");
    if (!name || !select) return;
    select.value = select.value === name ? "" : name;
    filter();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && search && document.activeElement !== search && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    }
  });
  filter();
})();
