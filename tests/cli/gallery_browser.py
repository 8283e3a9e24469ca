"""Looks at a gallery as a user does: gallery_browser.py PAGE WARNED BROKEN...

Prints what is wrong with the first two, and which of the others, broken on purpose, passes for good; exits with 1
then.
"""
import os
import sys

import devtools

# What covers what, and what is wider than the window; of what can be seen in `root`.
OVERLAPS = """((root) => {
  for (const one of document.querySelectorAll("main ul, .reasons li")) one.style.contentVisibility = "visible";
  const parts = [...root.querySelectorAll("h1, h2, header p, figcaption, svg text, li > *, li img, li a > span, li a > em," +
                                          "input, nav button, nav span, dt, dd, .picture, .details p")]
    .filter((one) => one.checkVisibility() && !one.matches("li > a") && one.closest("dialog") === root.closest("dialog"))
    .map((one) => [one.getBoundingClientRect(), one]).filter(([box]) => box.width > 0 && box.height > 0);
  const found = [];
  const name = (one) => `${one.tagName} "${one.textContent.slice(0, 20)}"`;
  parts.forEach(([a, one], i) => parts.slice(0, i).forEach(([b, other]) => {
    if (one.matches("em") && other.matches("img, span") || one.contains(other) || other.contains(one)) return;
    if (one.closest("#bar") || other.closest("#bar")) return; // it is above the others when they are scrolled
    if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
      found.push(`${name(one)} covers ${name(other)}`);
  }));
  for (const [box, one] of parts)
    if (box.right > innerWidth + 1 || box.left < -1) found.push(`${name(one)} leaves the window`);
  if (document.documentElement.scrollWidth > innerWidth) found.push(`wider than ${innerWidth}`);
  return found.slice(0, 5);
})"""
IMAGES = """(async () => {
  for (const image of document.querySelectorAll("main img")) {
    image.scrollIntoView();
    for (let i = 0; !image.complete && i < 500; i++) await new Promise((done) => setTimeout(done, 10));
    if (!image.complete || !image.naturalWidth) return `not shown: ${image.src}`;
  }
  return "";
})()"""
NAME = "document.getElementById('view-name').textContent"
OPEN = "document.getElementById('view').open"
LOADED = "document.getElementById('view-picture').complete && document.getElementById('view-picture').naturalWidth > 0"
wrong = []
eager = False  # to stop at the first thing that is wrong


class Enough(Exception):
    pass


def claim(what, true):
    if true:
        return
    wrong.append(what)
    if eager:
        raise Enough


def overlaps(browser, where, root="document.body"):
    for found in browser.run(f"{OVERLAPS}({root})"):
        claim(f"{where}: {found}", False)


def check_list(browser):
    claim("a failure is listed", browser.run(
        """[...document.querySelectorAll("#failed li")].some((item) =>
             item.querySelector("span").textContent === "in/<i>cut<\\\\i>.jpg" &&
             item.querySelector("b").textContent === "damaged" &&
             item.querySelector("p").textContent.startsWith("the data ends"))"""))
    claim("a skipped one is listed",
          browser.run("document.querySelector('#skipped li').textContent.includes('not a regular file')"))
    claim("12 thumbnails", browser.run("document.querySelectorAll('main li').length") == 12)
    claim("no name ran", browser.run("document.title") == "out #1")
    claim("there is a chart", browser.run("document.querySelectorAll('svg path').length") >= 1)


def check_view(browser):
    """By mouse and keys; the first is in/a/baseline.jpg."""
    browser.click("main li img")
    browser.wait(OPEN)
    browser.wait(LOADED)
    claim("the first is shown", browser.run(NAME) == "baseline.jpg")
    claim("the picture is the largest", browser.run("document.getElementById('view-picture').naturalWidth") == 250)
    claim("it is larger than in the list", browser.run(
        "document.getElementById('view-picture').width > document.querySelector('main li img').naturalWidth"))
    details = browser.run("document.getElementById('view-details').textContent")
    for part in ("in/a/baseline.jpg", "300 × 200", "250 × 167", " ms"):
        claim(f"{part} in its details, {details}", part in details)
    overlaps(browser, "view", "document.getElementById('view')")
    names = [browser.run(NAME)]
    for _ in range(11):
        browser.key("ArrowRight")
        browser.wait(LOADED)
        names.append(browser.run(NAME))
    claim(f"arrows lead through all: {names}", len(set(names)) == 12)
    claim("there is no next", browser.run("document.getElementById('view-next').disabled"))
    claim("what is not UTF-8 is replaced", "not utf-8 \ufffd.jpg" in names)
    browser.key("ArrowLeft")
    claim("one back", browser.run(NAME) == names[10])
    browser.click("#view-next")
    claim("the focus is where keys are heard", not browser.run("document.activeElement.disabled"))
    browser.key("Home")
    claim("the first again", browser.run(NAME) == names[0])
    browser.key("Escape")
    claim("Escape closes", not browser.run(OPEN))
    focus = "document.activeElement.closest('li')?.querySelector('span').textContent"
    claim("the focus is where it was", browser.run(focus) == names[0])
    claim("the focus can be seen", browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid")
    browser.key("ArrowRight")
    claim("arrows move the focus", browser.run(focus) == names[1])
    browser.key("Enter")
    browser.wait(OPEN, 5)
    claim("Enter opens the one in focus", browser.run(NAME) == names[1])
    browser.click("#view-close")
    claim("the button closes", not browser.run(OPEN))


def check_filter(browser):
    shown = "[...document.querySelectorAll('main li')].filter((one) => one.checkVisibility()).length"
    browser.run("document.activeElement.blur()")
    browser.key("/", shift=True)
    claim("a slash on a keyboard that has it with Shift", browser.run("document.activeElement.id") == "filter")
    browser.run("document.activeElement.blur()")
    browser.key("/")
    browser.type("ODD/ FEED")
    browser.wait(f"{shown} === 1", 5)
    claim("the count", browser.run("document.getElementById('count').value") == "1 of 12")
    claim("failures are filtered, too", not browser.run("document.getElementById('failed').checkVisibility()"))
    browser.run("document.getElementById('filter').select()")
    browser.type("nothing like it")
    browser.wait(f"{shown} === 0", 5)
    browser.run("document.getElementById('filter').value = ''; "
                "document.getElementById('filter').dispatchEvent(new Event('input'))")
    browser.wait(f"{shown} === 12", 5)


def check_looks(browser, page):
    """Nothing overlaps; the page has the colours that are asked for."""
    for width in (360, 1400):
        for dark in (False, True):
            browser.window(width, 900, dark)
            browser.open(page)
            where = f"{width} {'dark' if dark else 'light'}"
            background = browser.run("getComputedStyle(document.body).backgroundColor")
            claim(f"{where}: background {background}",
                  background == ("rgb(21, 23, 26)" if dark else "rgb(255, 255, 255)"))
            overlaps(browser, where)
    browser.window(800, 900, True, "print")
    browser.open(page)
    claim("paper is white", browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)")
    overlaps(browser, "print")


def check_use(browser, page):
    browser.window(1400, 900)
    browser.open(page)
    overlaps(browser, "list")
    found = browser.run(IMAGES)
    claim(found, not found)
    check_list(browser)
    check_view(browser)
    check_filter(browser)


def check(browser, page, warned):
    check_use(browser, page)
    check_looks(browser, page)
    browser.window(360, 740)
    browser.open(page)
    check_view(browser)
    browser.open(warned)
    claim("a warning is shown", browser.run("document.querySelector('main em').textContent") == "damaged")
    overlaps(browser, "warned")


def findings(browser, check_it, *pages):
    """What is wrong with pages."""
    wrong.clear()
    browser.complaints.clear()
    try:
        check_it(browser, *pages)
    except Enough:
        pass
    except RuntimeError as error:
        wrong.append(str(error))
    return wrong + [f"the browser complains: {complaint}" for complaint in browser.complaints]


def main():
    global eager
    page, warned, *broken = ("file://" + os.path.abspath(path) for path in sys.argv[1:])
    browser = devtools.Browser(devtools.find())
    try:
        found = findings(browser, check, page, warned)
        eager = True
        for one in broken:
            noticed = findings(browser, check_use, one)
            print(f"{os.path.basename(one)}: {noticed[:1]}")
            if not noticed:
                found.append(f"nothing is noticed of {one}")
    finally:
        browser.close()
    for what in found:
        print("WRONG:", what, file=sys.stderr)
    sys.exit(bool(found))


main()
