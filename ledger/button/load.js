/*! Flattr buttons of pages that were written for them: each a.FlattrButton gives way to a frame of the ledger.
 *  The same for everybody: no cookie, no storage, and nothing is asked for but the frames. */
(function (window, document) {
  "use strict";

  var LEDGER = "%LEDGER%";
  var KEYS = ["uid", "owner", "category", "button", "language", "hidden", "tags", "title", "url", "description", "revsharekey", "popout"];
  var DEFAULTS = ["uid", "category", "button", "language", "popout"];
  var GLOBALS = { uid: "uid", url: "url", btn: "button", hide: "hidden", cat: "category", tag: "tags", lng: "language", tle: "title", dsc: "description" };
  var MAX_DESCRIPTION = 1000;
  var PATH = /\/(?:js\/0\.(?:6|5|5\.0)|button)\/load\.js(?:[?#]|$)/;

  function has(list, text) {
    for (var i = 0; i < list.length; i++) {
      if (list[i] === text) return true;
    }
    return false;
  }

  // The script element that this text came from.
  function ownScript() {
    var scripts = document.getElementsByTagName("script");
    if (document.currentScript) return document.currentScript;
    for (var i = scripts.length - 1; i >= 0; i--) {
      if (PATH.test(scripts[i].getAttribute("src") || "")) return scripts[i];
    }
    return null;
  }

  // What the page says in the query of the script. Values are taken as they stand, as they always were.
  function parametersOf(script) {
    var found = {};
    var query = (script && script.getAttribute("src") || "").split("#")[0].split("?").slice(1).join("?");
    var pieces = query.replace(/&amp;/g, "&").split("&");
    for (var i = 0; i < pieces.length; i++) {
      var at = pieces[i].indexOf("=");
      if (at > 0) found[pieces[i].slice(0, at)] = pieces[i].slice(at + 1);
    }
    return found;
  }

  var script = ownScript();
  var parameters = parametersOf(script);
  var prefix = /^data-[a-z0-9_\-]{1,64}$/i.test(parameters["html5-key-prefix"] || "") ? parameters["html5-key-prefix"] : "data-flattr";

  function defaults() {
    var data = {};
    for (var i = 0; i < DEFAULTS.length; i++) {
      if (parameters[DEFAULTS[i]]) data[DEFAULTS[i]] = parameters[DEFAULTS[i]];
    }
    return data;
  }

  // A description keeps no tag but <br>.
  function clean(key, value) {
    var text = String(value);
    if (key === "description") {
      text = text.replace(/<(?!br\s*\/?>)\/?[a-z!][^>]*>/gi, "").slice(0, MAX_DESCRIPTION).replace(/[\uD800-\uDBFF]$/, "");
    }
    return text.replace(/\s+/g, " ").replace(/^ | $/g, "");
  }

  function encode(text) {
    try {
      return encodeURIComponent(text);
    } catch (e) {
      return encodeURIComponent(text.replace(/[\uD800-\uDFFF]/g, "")); // half a character
    }
  }

  // The address as the browser reads it: whole, and of the web.
  function resolve(address) {
    var link = document.createElement("a");
    link.href = address;
    return /^https?:\/\//i.test(link.href) ? link.href : "";
  }

  function frameOf(data) {
    var url = resolve(data.url || document.URL);
    if (!url) return null;
    var query = ["url=" + encode(url)];
    for (var i = 0; i < KEYS.length; i++) {
      var key = KEYS[i];
      if (key === "url" || data[key] === undefined || data[key] === null) continue;
      var value = clean(key, data[key]);
      if (value !== "") query.push(key + "=" + encode(value));
    }
    var isCompact = data.button === "compact";
    var frame = document.createElement("iframe");
    var attributes = {
      src: LEDGER + "/button/view/?" + query.join("&"), "class": "FlattrButton", title: "Flattr",
      width: isCompact ? 110 : 55, height: isCompact ? 20 : 62,
      frameBorder: 0, border: 0, marginHeight: 0, marginWidth: 0, scrolling: "no", allowTransparency: "true"
    };
    for (var name in attributes) frame.setAttribute(name, attributes[name]);
    return frame;
  }

  function replace(element, frame) {
    if (element && frame && element.parentNode) element.parentNode.replaceChild(frame, element);
  }

  // flattr;uid:name;category:text - the marker and one character behind it are dropped, keys are taken as they are.
  function readString(text, data) {
    var pieces = text.slice(7).split(";");
    for (var i = 0; i < pieces.length; i++) {
      var at = pieces[i].indexOf(":");
      if (at >= 0 && has(KEYS, pieces[i].slice(0, at))) data[pieces[i].slice(0, at)] = pieces[i].slice(at + 1);
    }
  }

  function isMarked(text) {
    return text !== null && text.slice(0, 6) === "flattr";
  }

  function dataOf(element) {
    var data = defaults();
    if (element.getAttribute("href")) data.url = element.href;
    if (element.getAttribute("title")) data.title = element.getAttribute("title");
    if (element.getAttribute("lang")) data.language = element.getAttribute("lang");
    if (clean("description", element.innerHTML)) data.description = element.innerHTML;
    var rev = element.getAttribute("rev");
    var rel = element.getAttribute("rel");
    if (isMarked(rev) || isMarked(rel)) {
      readString(isMarked(rev) ? rev : rel, data);
      return data;
    }
    for (var i = 0; i < KEYS.length; i++) {
      var value = element.getAttribute(prefix + "-" + KEYS[i]);
      if (value !== null) data[KEYS[i]] = value;
    }
    return data;
  }

  function globals(data) {
    for (var name in GLOBALS) {
      var value = window["flattr_" + name];
      if (value === undefined || value === null || value === "") continue;
      if (name === "hide") value = /^(?:1|true)$/.test(String(value)) ? 1 : 0;
      data[GLOBALS[name]] = value;
    }
    return data;
  }

  // loadButton shows the button of one link.
  function loadButton(link) {
    replace(link, frameOf(dataOf(link)));
  }

  // setup shows every button of the page.
  function setup() {
    var links = document.getElementsByTagName("a");
    for (var i = links.length - 1; i >= 0; i--) {
      if (/(?:^|\s)FlattrButton(?:\s|$)/.test(links[i].className)) loadButton(links[i]);
    }
  }

  // render shows one button: at an element or its id, in its place, before it, or (by default) within it. Without
  // options the global variables are read, without target it stands in place of the script.
  function render(options, target, position) {
    var data = defaults();
    if (options) {
      for (var i = 0; i < KEYS.length; i++) {
        if (options[KEYS[i]] !== undefined && options[KEYS[i]] !== null) data[KEYS[i]] = options[KEYS[i]];
      }
    } else {
      globals(data);
    }
    var frame = frameOf(data);
    var element = typeof target === "string" ? document.getElementById(target) : target;
    if (!frame) return;
    if (!element) {
      if (!target && parameters.mode === "direct") replace(script, frame);
    } else if (position === "replace") {
      replace(element, frame);
    } else if (position === "before") {
      if (element.parentNode) element.parentNode.insertBefore(frame, element);
    } else {
      element.appendChild(frame);
    }
  }

  // ready calls when the page has been read.
  function ready(call) {
    if (document.readyState === "interactive" || document.readyState === "complete") call();
    else if (document.addEventListener) document.addEventListener("DOMContentLoaded", call, false);
    else window.attachEvent("onload", call);
  }

  window.FlattrLoader = { setup: setup, render: render, loadButton: loadButton, domReady: ready };

  if ("%MODE%" === "globals") {
    if (script && script.parentNode) {
      var shown = frameOf(globals({}));
      if (shown) script.parentNode.insertBefore(shown, script);
    }
  } else if (parameters.mode === "direct") {
    render();
  } else if (parameters.mode === "auto" || parameters.mode === "automatic") {
    ready(setup);
  }
})(window, document);
