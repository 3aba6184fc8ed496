// Start the deck once its formulas are set, and say on <body data-ready> when nothing will change any more.

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const printing = /print-pdf/.test(location.search);
const SLIDES = 'section section';
// A slide's content ends here: below stand the page number and the arrows.
const WIDTH = 1280, BOTTOM = 680;
const CONTROLS = '.slides :is(button, input, select, textarea, summary, [role=slider])';

// Widgets set the formulas of their labels through the interface of MathJax 2; hand them on to MathJax 3.
MathJax.Hub = {Queue: ([, , element]) => MathJax.startup.promise.then(() => MathJax.typesetPromise([element]))};

// --- Steps ----------------------------------------------------------------------------------------------------------

// What appears on a key press is numbered in the order of the page; the answer comes last.
function numberSteps(slide) {
  for (const text of all('.steps', slide)) {
    const formulas = all('mjx-container[display="true"]', text).filter((one) => !one.closest('.answer'));
    const items = all(':scope > ul > li, :scope > ol > li', text);
    for (const step of [...items, ...formulas.slice(1)]) step.classList.add('fragment');
  }
  const last = (step) => step.matches('.answer');
  const steps = all('.fragment', slide);
  let number = -1;
  for (const step of [...steps.filter((one) => !last(one)), ...steps.filter(last)])
    step.dataset.fragmentIndex = step.matches('.along') ? Math.max(number, 0) : ++number;
}

// The lines of code that the present step points at; on paper, those of all steps.
function pointAtLines() {
  for (const code of all('.code:has(.lines)')) {
    const steps = all(printing ? '.lines' : '.lines.visible', code);
    const lit = (printing ? steps : steps.slice(-1)).flatMap((step) => step.dataset.lines.split(' '));
    for (const line of all('.line', code)) line.classList.toggle('lit', lit.includes(line.dataset.line));
  }
}

// --- Size -----------------------------------------------------------------------------------------------------------

// Sizes of text and code, the share of a row that a second pane takes beside the first, and whether all stands closer
// together; the best first.
function choices(slide) {
  const code = slide.querySelector('pre'), shares = slide.querySelector('.pane + .pane') ? [1.1, 1.3, 1.5, 1.8] : [1];
  const large = code ? [[28, 26], [28, 24], [28, 22]] : [[slide.querySelector('img') ? 28 : 32, 18], [28, 18]];
  const small = code ? [26, 24, 22, 21, 20, 19, 18].map((size) => [25, size]) : [[25, 18]];
  const sizes = [...large, ...small, [25, 18, true], [22, 18, true]];
  return sizes.flatMap(([text, size, crowded = false]) => shares.map((share) => [text, size, crowded, share]));
}

// Text and code as large as the slide has room for, then pictures in what remains.
function fit(slide) {
  slide.classList.add('fitting');
  const scale = slide.getBoundingClientRect().width / WIDTH || 1;
  const height = (element) => element.getBoundingClientRect().height / scale;
  const [rows, panes] = [all('.row', slide), all('.pane', slide)];
  if (!rows.length) return slide.classList.remove('fitting');
  const top = slide.getBoundingClientRect().top;
  // The drawing on the title slide, where it is shown, is 206 pixels high.
  const bottom = slide.querySelector('.motif')?.checkVisibility() ? 510 : BOTTOM;
  const room = () => bottom - (rows.at(-1).getBoundingClientRect().bottom - top) / scale;
  const pictures = all('.pane img', slide).filter((picture) => picture.naturalWidth);
  const lines = () => all('pre', slide).reduce((sum, pre) => sum + Math.round(height(pre) / (1.36 * code)), 0);
  const right = (element) => element.getBoundingClientRect().right;
  const wide = () => all('mjx-container > svg, table', slide).some((one) => right(one) > right(one.closest('.pane') ?? slide) + 1);
  let code = 18;
  const set = (text, size, crowded, share) => {
    code = size;
    slide.style.setProperty('--share', share);
    slide.classList.toggle('crowded', crowded);
    slide.style.setProperty('--text-size', `${text}px`);
    slide.style.setProperty('--code-size', `${size}px`);
  };
  slide.style.setProperty('--shift', '0px');
  // Not 0: the margins around an empty box would collapse.
  for (const picture of pictures) Object.assign(picture.style, {width: '1px', height: '1px'});
  set(25, 18, false, choices(slide).at(-1)[3]);
  const [fewest, wanted] = [lines(), Math.max(0, Math.min(pictures.length * 320, room()))];
  for (const choice of choices(slide)) {
    set(...choice);
    if (room() >= wanted && lines() <= fewest && !wide()) break;
  }
  for (const pane of panes) {
    const own = pictures.filter((picture) => picture.closest('.pane') === pane);
    const used = pane.lastElementChild.getBoundingClientRect().bottom - pane.getBoundingClientRect().top;
    const free = Math.max(room() + height(pane) - used / scale, 60);
    for (const picture of own) {
      const shape = picture.naturalWidth / picture.naturalHeight;
      const width = Math.floor(Math.min(pane.clientWidth, shape * free / own.length));
      Object.assign(picture.style, {width: `${width}px`, height: `${Math.floor(width / shape)}px`});
    }
  }
  // What leaves much room does not cling to its heading.
  slide.style.setProperty('--shift', `${Math.round(Math.max(0, Math.min(room() * 0.25, 70)))}px`);
  slide.classList.remove('fitting');
}

// --- Widgets and pictures --------------------------------------------------------------------------------------------

// Where the notebook holds no state of its widgets, nothing will ever draw them.
async function widgetsShown(patience = 60_000) {
  if (!document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]')) return;
  const end = performance.now() + patience;
  while (!all('.widget').every((view) => view.querySelector('.jupyter-widgets'))) {
    if (performance.now() > end) return console.error('a widget does not appear');
    await pause(50);
  }
}

const picturesLoaded = () => Promise.all([...document.images].map((picture) => picture.decode().catch(() => {})));

// A picture inside a widget is drawn without alternative text; the caption below it says what it shows.
function describeWidgetPictures() {
  for (const picture of all('.widget img:not([alt])')) {
    const caption = picture.closest('.jp-OutputArea')?.querySelector('.caption');
    picture.alt = caption ? caption.textContent : '';
  }
}

// On paper reveal.js goes on after it has said that it is ready: it lays out a page for each slide.
function pagesLaidOut() {
  return new Promise((resolve) => document.addEventListener('pdf-ready', resolve, {once: true}));
}

// --- Keys and links --------------------------------------------------------------------------------------------------

const darken = (dark) => document.documentElement.classList.toggle('dark', dark);

// A focused control keeps its keys; those of a clicker, and Escape, lead back to the slides.
function leaveControl(event) {
  const control = document.activeElement.closest(CONTROLS);
  if (!control || !['PageDown', 'PageUp', 'Escape'].includes(event.key)) return;
  control.blur();
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.key === 'PageDown') Reveal.next();
  if (event.key === 'PageUp') Reveal.prev();
}

// Decks lie side by side and link to each other. On paper such a link would name a folder of this machine.
function mendLinks() {
  for (const link of all('.slides a[href]')) {
    const address = link.getAttribute('href');
    const notebook = /^(?![a-z]+:).*?([^/]+)[.]ipynb(#.*)?$/.exec(address);
    if (notebook) link.setAttribute('href', `${notebook[1]}.html`);
    if (printing && !/^[a-z]+:/.test(address)) link.removeAttribute('href');
  }
}

async function start() {
  darken(new URLSearchParams(location.search).has('dark') && !printing);
  await MathJax.startup.promise;
  mendLinks();
  all(SLIDES).forEach(numberSteps);
  if (printing) await widgetsShown();  // a page cannot grow after it is laid out
  await picturesLoaded();
  const early = all(SLIDES).filter((slide) => printing || !slide.querySelector('.widget'));
  early.forEach(fit);
  pointAtLines();
  const laidOut = printing && pagesLaidOut();
  await Reveal.initialize({
    width: WIDTH, height: 720, margin: 0, center: false, transition: 'none', backgroundTransition: 'none', hash: true, progress: true,
    navigationMode: 'linear', slideNumber: 'c/t', controlsTutorial: false, showSlideNumber: 'all',
    pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1, totalTime: LECTURE_SECONDS,
    keyboardCondition: () => !document.activeElement.closest(CONTROLS),
    plugins: [RevealNotes],
  });
  Reveal.addKeyBinding({keyCode: 68, key: 'D', description: 'Dark or light'}, () =>
    darken(!document.documentElement.classList.contains('dark')));
  for (const event of ['fragmentshown', 'fragmenthidden', 'slidechanged']) Reveal.on(event, pointAtLines);
  document.addEventListener('keydown', leaveControl, {capture: true});
  await (printing ? laidOut : widgetsShown());
  await picturesLoaded();
  describeWidgetPictures();
  // On paper all slides are there: what is hidden from screen readers would have no tags and no bookmark.
  if (printing) for (const slide of all('section')) for (const mark of ['hidden', 'aria-hidden']) slide.removeAttribute(mark);
  all(SLIDES).filter((slide) => !early.includes(slide)).forEach(fit);
  document.body.dataset.ready = 'yes';
}

start();
