// Puts the chosen theme on the page before the first paint; the app changes it by the same event.
(function () {
  var base = new URL(".", document.currentScript.src).pathname; // "/", or "/vidwiz/"
  var key = (base === "/" ? "" : base) + "vidwiz.theme"; // see lib/basePath.ts
  var system = matchMedia("(prefers-color-scheme: dark)");
  var paper = { light: "#fbfaf8", dark: "#151412" };

  function chosen() {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is off: the system decides
    }
  }

  function paint() {
    var choice = chosen();
    var theme =
      choice === "light" || choice === "dark" ? choice : system.matches ? "dark" : "light";
    document.documentElement.dataset.theme = theme;
    document.querySelector('meta[name="theme-color"]').content = paper[theme];
  }

  paint();
  system.addEventListener("change", paint);
  addEventListener("storage", paint);
  addEventListener("vidwiz:theme", paint);
})();
