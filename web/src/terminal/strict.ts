/**
 * xterm.js writes style elements and style attributes, both of which our Content-Security-Policy refuses. What it says
 * in them is taken to where the policy allows it: constructed style sheets, and the properties of an element's style.
 * Its renderer with text in the page is used and not the one on WebGL: browsers have few WebGL contexts, and many
 * terminals may be open.
 */

const create = (name: string) => Document.prototype.createElement.call(document, name);

/** An element in place of a style element: its text becomes a style sheet that the document adopts. */
function sheetElement(): HTMLElement {
  const element = create("template");
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperty(element, "textContent", {
    set(text: string) {
      sheet.replaceSync(text);
    },
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    HTMLElement.prototype.remove.call(element);
  };
  return element;
}

/** Runs what makes style elements, such as `Terminal.open`, with style sheets in their place. */
export function withStyleSheets(run: () => void): void {
  Object.defineProperty(document, "createElement", { value: (name: string) => (name === "style" ? sheetElement() : create(name)), configurable: true });
  try {
    run();
  } finally {
    Reflect.deleteProperty(document, "createElement");
  }
}

/** Makes `setAttribute("style", …)` of a span mean what it says: xterm.js colours its letters by it. */
export function allowStyledSpans(): void {
  HTMLSpanElement.prototype.setAttribute = function setAttribute(this: HTMLSpanElement, name: string, value: string) {
    if (name === "style") this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };
}
