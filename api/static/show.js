// How numbers, ages and courses look; the server writes them the same way.
const SVG = "http://www.w3.org/2000/svg";
const formats = new Map();

export function numberText(value, digits, language) {
  const key = `${language}${digits}`;
  if (!formats.has(key)) {
    // written as the server does: 1.250,5 in Vietnamese, 1,250.5 in English, four digits grouped too
    formats.set(
      key,
      new Intl.NumberFormat(language === "vi" ? "de-DE" : "en-US", {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
        useGrouping: "always",
      }),
    );
  }
  const text = formats.get(key).format(value);
  return (/[1-9]/.test(text) ? text : text.replace("-", "")).replace("-", "−");
}

export function ageText(seconds, words) {
  if (seconds < 2) return words.just_now;
  for (const [size, key] of [[86400, "days"], [3600, "hours"], [60, "minutes"]]) {
    if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${words[key]} ${words.ago}`;
  }
  return `${Math.floor(seconds)} ${words.seconds} ${words.ago}`;
}

export function drawCourse(svg, points) {
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const [first, last] = [points[0]?.[0], points.at(-1)?.[0]];
  if (points.length < 2 || first === last) return;
  const values = points.map((point) => point[1]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  // a steady value is a line in the middle, not noise blown up to the full height
  const middle = (low + high) / 2;
  const half = Math.max((high - low) / 2, Math.abs(middle) * 0.005, 1e-9);
  const places = points.map(([ms, value]) => [
    3 + ((ms - first) / (last - first)) * (width - 6),
    height / 2 - ((value - middle) / half) * (height / 2 - 4),
  ]);
  const path = (name, d) => {
    let element = svg.querySelector(`.${name}`);
    if (!element) {
      svg.querySelectorAll("path:not(.line):not(.tip)").forEach((old) => old.remove());
      element = svg.appendChild(document.createElementNS(SVG, "path"));
      element.setAttribute("class", name);
    }
    element.setAttribute("d", d);
  };
  path("line", places.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(""));
  const [x, y] = places.at(-1);
  path("tip", `M${x.toFixed(1)} ${y.toFixed(1)}h0`);
}
