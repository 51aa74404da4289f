// Paints what the address asks for while the app is on its way, and asks for the code of its page at once.
(function () {
  var base = new URL(".", document.currentScript.src).pathname; // "/", or "/vidwiz/"
  var own = base === "/" ? "" : base; // before the names of what is kept; see lib/basePath.ts
  // A proxy that takes the path away may answer "/vidwiz" too, which the router does not know.
  if (location.pathname + "/" === base) history.replaceState(null, "", base + location.search);
  var path = location.pathname.slice(base.length);
  var video = /^videos\/([\w-]{11})\/?$/.exec(path);
  var page = video ? "video" : path === "" && !kept("vidwiz.token") ? "home" : null;
  var template = page && document.getElementById("shell-" + page);
  if (!template) return;

  var content = template.content.cloneNode(true);
  if (video) content.querySelector("h1").textContent = titleOf(video[1]) || "Video " + video[1];
  document.getElementById("main").appendChild(content);
  (template.dataset.chunks || "").split(" ").filter(Boolean).forEach(preload);

  function kept(key) {
    try {
      return localStorage.getItem(own + key);
    } catch {
      return null; // storage is off
    }
  }

  /** Of a video that was opened in this browser before; see lib/recent.ts. */
  function titleOf(id) {
    try {
      return JSON.parse(kept("vidwiz.recent")).find(function (one) {
        return one.videoId === id;
      }).title;
    } catch {
      return null; // none, or nothing of ours
    }
  }

  function preload(name) {
    var link = document.createElement("link");
    link.rel = "modulepreload";
    link.crossOrigin = "";
    link.href = base + name;
    document.head.appendChild(link);
  }
})();
