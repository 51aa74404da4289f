/**
 * Stands in for YouTube's IFrame API in the browser's tests: a player whose clock runs while it plays.
 * It has what the web app uses, calls back as the real one does (later, never at once), and plays
 * faster by `?rate=` of its address. `?broken` refuses the video, as an owner who forbids embedding.
 */
(function () {
  "use strict";
  var options = new URL(document.currentScript.src).searchParams;
  var rate = Number(options.get("rate") || 1);
  var PLAYING = 1;
  var PAUSED = 2;

  function frameFor(videoId) {
    var frame = document.createElement("iframe");
    frame.title = "Stand-in of YouTube's player";
    frame.dataset.video = videoId;
    frame.style.background = "#17211f";
    frame.style.colorScheme = "light"; // as its document has it: otherwise it is drawn on white
    frame.srcdoc =
      "<!doctype html><html lang='en'><title>player</title><body></body></html>";
    return frame;
  }

  function Player(place, given) {
    var events = given.events || {};
    var frame = frameFor(given.videoId);
    var state = -1;
    var from = (given.playerVars && given.playerVars.start) || 0;
    var since = null;

    function seconds() {
      return since === null
        ? from
        : from + ((performance.now() - since) / 1000) * rate;
    }
    function become(next) {
      if (next === state) return;
      state = next;
      frame.dataset.state = next === PLAYING ? "playing" : "paused";
      setTimeout(function () {
        if (events.onStateChange) events.onStateChange({ data: next });
      });
    }

    place.replaceWith(frame);
    this.getCurrentTime = seconds;
    this.getDuration = function () {
      return 28800;
    };
    this.getIframe = function () {
      return frame;
    };
    this.seekTo = function (to) {
      from = to;
      since = state === PLAYING ? performance.now() : null;
    };
    this.playVideo = function () {
      if (since === null) since = performance.now();
      become(PLAYING);
    };
    this.pauseVideo = function () {
      from = seconds();
      since = null;
      become(PAUSED);
    };
    this.destroy = function () {
      frame.remove();
    };
    setTimeout(function () {
      if (options.has("broken")) events.onError({ data: 150 });
      else events.onReady();
    });
  }

  window.YT = { Player: Player };
  setTimeout(function () {
    window.onYouTubeIframeAPIReady();
  });
})();
