/** A picture of a part of the page, for what no chart library draws: loaded when somebody asks for one. */

/** Pixels of a picture to one of the screen: sharp on paper and slides too. */
const SCALE = 2;
const MARGIN = 12;

const isSeen = (color: string) => !/^(transparent|rgba\(.*, 0\))$/.test(color);

/** Words, and signs of languages that write none apart. */
const WORDS = /[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+/g;

/** Makes a PNG of an element: grounds, lines, shapes and texts as they stand there, what has to be scrolled to as well. */
export async function toPicture(element: HTMLElement): Promise<Blob> {
  const all = [element, ...element.querySelectorAll<HTMLElement>('*')].filter((each) => each.getClientRects().length);
  const frame = element.getBoundingClientRect();
  const right = Math.max(...all.map((each) => each.getBoundingClientRect().right));
  const width = (right - frame.left + 2 * MARGIN) * SCALE;
  const height = (frame.height + 2 * MARGIN) * SCALE;
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d')!;
  context.fillStyle = getComputedStyle(element.closest('.card') ?? document.body).backgroundColor;
  context.fillRect(0, 0, width, height);
  context.scale(SCALE, SCALE);
  context.translate(MARGIN - frame.left, MARGIN - frame.top);
  context.textBaseline = 'middle';
  for (const each of all) paint(context, each);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture could be made')))),
  );
}

function paint(context: CanvasRenderingContext2D, element: HTMLElement): void {
  const style = getComputedStyle(element);
  const { left, top, width, height } = element.getBoundingClientRect();
  if (isSeen(style.backgroundColor)) {
    context.fillStyle = style.backgroundColor;
    context.fillRect(left, top, width, height);
  }
  if (parseFloat(style.borderTopWidth) && isSeen(style.borderTopColor)) {
    context.fillStyle = style.borderTopColor;
    context.fillRect(left, top, width, 1);
  }
  if (element instanceof SVGElement) paintShape(context, element, style);
  for (const child of element.childNodes) if (child instanceof Text) paintText(context, child, style);
}

function paintShape(
  context: CanvasRenderingContext2D,
  shape: SVGElement,
  { fill, stroke, opacity }: CSSStyleDeclaration,
) {
  const { left, top, width, height } = shape.getBoundingClientRect();
  context.globalAlpha = Number(opacity);
  context.fillStyle = fill;
  if (shape.tagName === 'rect') context.fillRect(left, top, width, height);
  else if (shape.tagName === 'circle') {
    context.beginPath();
    context.arc(left + width / 2, top + height / 2, width / 2, 0, 2 * Math.PI);
    context.fill();
  } else if (shape instanceof SVGPolylineElement) {
    const matrix = shape.getScreenCTM()!;
    context.strokeStyle = stroke;
    context.beginPath();
    for (const point of shape.points) {
      const { x, y } = point.matrixTransform(matrix);
      context.lineTo(x, y);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** Word by word, each where it stands. */
function paintText(context: CanvasRenderingContext2D, text: Text, style: CSSStyleDeclaration): void {
  context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  context.fillStyle = style.color;
  const range = document.createRange();
  for (const { 0: word, index } of text.data.matchAll(WORDS)) {
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    const { left, top, height } = range.getBoundingClientRect();
    context.fillText(word, left, top + height / 2);
  }
}
