// What scrolls sideways can be reached by the keyboard. The theme makes both kinds while it loads.
addEventListener("load", () => {
  for (const each of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code"))
    each.tabIndex = 0;
  document.querySelectorAll("nav.md-code__nav").forEach((nav, number) => {
    nav.setAttribute("aria-label", `${nav.getAttribute("aria-label") ?? "Code"} ${number + 1}`);
  });
});
