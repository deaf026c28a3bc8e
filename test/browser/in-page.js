// Runs in the page: what a reader could not read, see or reach. Each answers a list of complaints.

/** WCAG 2.2, 1.4.3: text against what is behind it. */
globalThis.contrastProblems = () => {
  const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  // Painting a colour is the one way to read every notation: rgb(), color(srgb …), oklab() …
  const rgba = (color) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = color;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [br, bg, bb]) => [
    r * a + br * (1 - a),
    g * a + bg * (1 - a),
    b * a + bb * (1 - a),
    1,
  ];
  const background = (element) => {
    if (!element) return [255, 255, 255, 1];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, background(element.parentElement));
  };
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const problems = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement: element, textContent } = walker.currentNode;
    const text = textContent.trim();
    if (text === '' || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest('button:disabled, .skip, script, style, noscript')) continue;
    const style = getComputedStyle(element);
    const behind = background(element);
    const [light, dark] = [luminance(over(rgba(style.color), behind)), luminance(behind)].sort(
      (a, b) => b - a,
    );
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      problems.add(`${ratio.toFixed(2)} for "${text.slice(0, 40)}" (${element.className})`);
    }
  }
  return [...problems];
};

/** Every control says what it does, no two the same, and headings and landmarks are in order. */
globalThis.labelProblems = () => {
  const problems = [];
  const names = new Map();
  for (const control of document.querySelectorAll('button, input, select, a[href], summary')) {
    const label = [...(control.labels ?? [])].map(({ textContent }) => textContent).join(' ');
    const name = (control.getAttribute('aria-label') ?? (label || control.textContent)).trim();
    if (name === '') problems.push(`no name: ${control.outerHTML.slice(0, 80)}`);
    if (names.has(name)) problems.push(`two controls are named "${name}"`);
    names.set(name, control);
  }
  let last = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const level = Number(heading.tagName[1]);
    if (level > last + 1) problems.push(`"${heading.textContent}" skips a level`);
    last = level;
  }
  for (const group of document.querySelectorAll('fieldset')) {
    if (!group.querySelector(':scope > legend')) problems.push('a fieldset without legend');
  }
  for (const element of document.querySelectorAll('[aria-labelledby]')) {
    for (const id of element.getAttribute('aria-labelledby').split(' ')) {
      if (!document.getElementById(id)) problems.push(`nothing has the id ${id}`);
    }
  }
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  problems.push(...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `two #${id}`));
  if (document.documentElement.lang === '') problems.push('no lang');
  return problems;
};

/** What can be pressed is large enough for a finger (WCAG 2.2, 2.5.8), and nothing is wider than the screen. */
globalThis.sizeProblems = () => {
  const problems = [];
  for (const control of document.querySelectorAll('button, select, input, summary')) {
    const target = control.closest('label') ?? control;
    const { width, height } = target.getBoundingClientRect();
    if (width > 0 && (width < 24 || height < 24)) {
      problems.push(`${width}×${height}: ${target.textContent.trim().slice(0, 40)}`);
    }
  }
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth)
    problems.push(`the page is ${scrollWidth - clientWidth} px too wide`);
  return problems;
};
