"use strict";
// The page shows everything without this. What is added: the view of one picture, and the filter.
(() => {
  const $ = (id) => document.getElementById(id);
  const lists = [...document.querySelectorAll("main section, .reasons")].map((section) => ({
    section,
    folder: section.className ? "" : section.querySelector("h2").textContent,
    items: [...section.querySelectorAll("li")],
  }));
  const thumbnails = lists.filter((list) => list.folder);
  const total = thumbnails.reduce((sum, list) => sum + list.items.length, 0);

  // ---- Heights ----

  // Tells how high lists are that have not been laid out, so that the scroll bar need not guess.
  function heights_set() {
    if (total === 0) return;
    const shown = document.querySelector("main li:not([hidden])");
    if (!shown) return;
    const style = getComputedStyle(shown.parentElement), gap = parseFloat(style.rowGap);
    const columns = style.gridTemplateColumns.split(" ").length, row = shown.getBoundingClientRect().height + gap;
    for (const list of document.querySelectorAll("main ul")) {
      const count = list.querySelectorAll("li:not([hidden])").length;
      list.style.containIntrinsicHeight = `${Math.max(Math.ceil(count / columns) * row - gap, 0)}px`;
    }
  }
  heights_set();
  addEventListener("resize", heights_set);

  // ---- Filter ----

  // Letters as they are compared: without regard to case, nor to how an accent is put together.
  const plain = (text) => text.normalize("NFC").toLowerCase();
  let names; // of all items, by list; made when they are first asked for

  function filter() {
    const words = plain($("filter").value).split(" ").filter((word) => word);
    let found = 0;
    names ??= lists.map(({ folder, items }) =>
      items.map((item) => plain(folder + item.querySelector("span").textContent)));
    lists.forEach(({ section, folder, items }, number) => {
      let shown = 0;
      items.forEach((item, i) => {
        const fits = words.every((word) => names[number][i].includes(word));
        if (item.hidden === fits) item.hidden = !fits;
        shown += fits;
      });
      section.hidden = shown === 0;
      if (folder) found += shown;
    });
    heights_set();
    $("count").value = words.length ? `${found} of ${total}` : "";
  }

  let waiting = 0;
  $("filter").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, total > 2000 ? 150 : 0);
  });
  $("bar").addEventListener("submit", (event) => event.preventDefault());
  $("bar").hidden = total === 0;

  // ---- View ----

  const view = $("view"), picture = $("view-picture");
  const number = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 3, useGrouping: false });
  const size = (width, height) => `${width} \u00d7 ${height}`;
  let order = [], place = 0; // what is shown one after the other, and which of it now

  function bytes(count) {
    const units = ["B", "kB", "MB", "GB"];
    let unit = 0;
    for (; count >= 999.5 && unit < 3; unit++) count /= 1000;
    return `${number(count)} ${units[unit]}`;
  }

  // What data-d says; gallery_piece.c writes it.
  function details(item) {
    const [status, source, work, outputs] = item.dataset.d.split(";").map((part) => part.split(" "));
    const rows = [["Source", item.closest("section").querySelector("h2").textContent.replace(/^\.\/$/, "") +
                             item.querySelector("span").textContent]];
    const [kind, width, height, shrink] = source;
    if (width > 0)
      rows.push(["Picture", `${size(width, height)}, ${kind}${shrink > 1 ? `, decoded at 1/${shrink}` : ""}`]);
    const made = [];
    for (let i = 0; i + 2 < outputs.length; i += 3)
      made.push(`${size(outputs[i], outputs[i + 1])}, ${bytes(+outputs[i + 2])}`);
    rows.push([made.length > 1 ? "Thumbnails" : "Thumbnail", made.join("\n")]);
    if (item.dataset.w) rows.push(["Warning", item.dataset.w]);
    if (status[0] === "c") rows.push(["Status", "up to date"]);
    if (work.length > 1) {
      const [worker, attempts, all, ...stages] = work;
      const named = ["read", "decode", "blur", "resize", "encode"]
        .map((name, i) => `${name} ${number(+stages[i])}`).filter((text, i) => stages[i] > 0);
      rows.push(["Time", `${number(+all)} ms${named.length ? `: ${named.join(", ")}` : ""}`]);
      rows.push(["Worker", (worker[0] === "v" ? `${worker.slice(1)}, with libvips` : worker) +
                           (attempts > 1 ? `; attempt ${attempts}` : "")]);
    }
    return rows;
  }

  function element(name, text) {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  }

  const link = (item) => item.querySelector("a");

  // The largest output, which is enlarged no more than twice.
  function picture_show(item) {
    const outputs = item.dataset.d.split(";")[3].split(" ").map(Number);
    let best = 0;
    for (let i = 3; i + 2 < outputs.length; i += 3)
      if (Math.max(outputs[i], outputs[i + 1]) > Math.max(outputs[best], outputs[best + 1])) best = i;
    picture.removeAttribute("src"); // the last one must not stand under this one's name
    picture.style.maxWidth = `${2 * outputs[best]}px`;
    picture.style.maxHeight = `${2 * outputs[best + 1]}px`;
    picture.alt = item.querySelector("span").textContent;
    picture.src = $("view-open").href = link(item).href;
  }

  function show(to) {
    if (to < 0 || to >= order.length) return;
    const item = order[place = to];
    picture_show(item);
    $("view-name").textContent = item.querySelector("span").textContent;
    $("view-details").replaceChildren(
      ...details(item).flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
    $("view-place").textContent = `${to + 1} of ${order.length}`;
    $("view-previous").disabled = to === 0;
    $("view-next").disabled = to === order.length - 1;
    if (document.activeElement.disabled) $("view-close").focus(); // one that is disabled may swallow keys
    for (const near of [order[to + 1], order[to - 1]])
      if (near) new Image().src = link(near).href;
  }

  function open(item) {
    order = thumbnails.flatMap((list) => (list.section.hidden ? [] : list.items.filter((one) => !one.hidden)));
    show(order.indexOf(item));
    view.showModal();
    $("view-close").focus();
  }

  function leave() {
    view.close();
    link(order[place]).focus();
  }

  document.querySelector("main").addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (!item || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(item);
  });
  $("view-previous").addEventListener("click", () => show(place - 1));
  $("view-next").addEventListener("click", () => show(place + 1));
  $("view-close").addEventListener("click", leave);
  view.addEventListener("cancel", leave); // Escape

  // ---- Keys ----

  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

  function view_key(event) {
    if (!(event.key in steps)) return;
    event.preventDefault();
    show(Math.min(Math.max(place + steps[event.key], 0), order.length - 1));
  }

  // Arrows go from thumbnail to thumbnail of a folder.
  function list_key(event) {
    const item = document.activeElement.closest("main li");
    const columns = item && getComputedStyle(item.parentElement).gridTemplateColumns.split(" ").length;
    const step = { ...steps, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (!item || !Number.isFinite(step)) return;
    const items = [...item.closest("section").querySelectorAll("li:not([hidden])")];
    const next = items[items.indexOf(item) + step];
    if (!next) return;
    event.preventDefault();
    link(next).focus();
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !view.open && document.activeElement !== $("filter")) { // often with Shift
      event.preventDefault();
      $("filter").focus();
    }
    if (!event.shiftKey) (view.open ? view_key : list_key)(event);
  });

  // ---- Paper ----

  addEventListener("beforeprint", () => {
    for (const image of document.querySelectorAll("main img")) image.loading = "eager";
  });
})();
