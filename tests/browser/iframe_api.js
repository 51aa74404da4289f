/**
 * Stands in for YouTube's IFrame API in the browser's tests: a player whose clock stands still, so that
 * tests know every second. It has what the web app uses, and calls back as the real one does (later,
 * never at once). `data-state` and `data-sought` of its frame say what was asked of it. It refuses the
 * video "no_embedded", as an owner does who forbids embedding.
 */
(function () {
  "use strict";
  var REFUSED = "no_embedded";
  var PLAYING = 1;
  var PAUSED = 2;

  function frameFor(videoId) {
    var frame = document.createElement("iframe");
    frame.title = "Stand-in of YouTube's player";
    frame.dataset.video = videoId;
    frame.style.background =
      "radial-gradient(circle at 50% 45%, #2f544e, #17211f 65%)";
    frame.style.colorScheme = "light"; // as its document has it: otherwise it is drawn on white
    frame.srcdoc =
      "<!doctype html><html lang='en'><title>player</title><body></body></html>";
    return frame;
  }

  function Player(place, given) {
    var events = given.events || {};
    var frame = frameFor(given.videoId);
    var state = -1;
    var at = (given.playerVars && given.playerVars.start) || 0;

    function become(next) {
      if (next === state) return;
      state = next;
      frame.dataset.state = next === PLAYING ? "playing" : "paused";
      setTimeout(function () {
        if (events.onStateChange) events.onStateChange({ data: next });
      });
    }

    place.replaceWith(frame);
    this.getCurrentTime = function () {
      return at;
    };
    this.getDuration = function () {
      return 28800;
    };
    this.getIframe = function () {
      return frame;
    };
    this.seekTo = function (to) {
      frame.dataset.sought = to;
      at = to;
    };
    this.playVideo = function () {
      become(PLAYING);
    };
    this.pauseVideo = function () {
      become(PAUSED);
    };
    this.destroy = function () {
      frame.remove();
    };
    setTimeout(function () {
      if (given.videoId === REFUSED) events.onError({ data: 150 });
      else events.onReady();
    });
  }

  window.YT = { Player: Player };
  setTimeout(function () {
    window.onYouTubeIframeAPIReady();
  });
})();
