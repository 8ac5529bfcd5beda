import { BarController, BarElement, CategoryScale, Chart as Drawn, LinearScale, LineController, LineElement, PointElement, Tooltip } from "chart.js";
import { useEffect, useRef } from "react";

import { useTheme } from "../hooks/useTheme";
import { t } from "../i18n";

Drawn.register(BarController, BarElement, CategoryScale, LinearScale, LineController, LineElement, PointElement, Tooltip);

/** What a series means, where it means something: told by colour. */
export type Tone = "accent" | "warn" | "plain" | "bad" | "info";

export interface Series {
  label: string;
  tone?: Tone | undefined;
  /** None on days of which nothing is known. */
  values: (number | null)[];
}

/** Told apart by lightness too, so that colour is not the only sign; in the order of the series where they say none. */
const TONES: Tone[] = ["accent", "warn", "plain", "bad", "info"];
const COLOURS: Record<Tone, string> = { accent: "--accent", warn: "--warn", plain: "--line-strong", bad: "--bad", info: "--info" };
const FILLS: Record<Tone, string> = { accent: "fill-accent", warn: "fill-warn", plain: "fill-line-strong", bad: "fill-bad", info: "fill-info" };

const toneOf = ({ tone }: Series, at: number): Tone => tone ?? TONES[at % TONES.length] ?? "accent";

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

interface Shown {
  title: string;
  summary: string;
  days: string[];
  series: Series[];
  kind: "bars" | "lines";
}

/** What is drawn, in the colours of the theme that it is mounted under. */
function Plot({ title, summary, days, series, kind }: Shown) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current) return undefined;
    const [muted, line] = [colour("--muted"), colour("--line")];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const font = { family: getComputedStyle(document.body).fontFamily, size: 11 };
    const drawn = new Drawn(canvas.current, {
      type: kind === "bars" ? "bar" : "line",
      data: {
        labels: days.map((day) => day.slice(5)),
        datasets: series.map((each, at) => {
          const { label, values } = each;
          const own = colour(COLOURS[toneOf(each, at)]);
          return { label, data: values, backgroundColor: own, borderColor: own, borderWidth: kind === "lines" ? 2 : 0, pointRadius: kind === "lines" && values.filter((value) => value !== null).length < 2 ? 3 : 0, pointHitRadius: 12, stepped: kind === "lines" ? "middle" as const : false, categoryPercentage: 0.85, barPercentage: 1 };
        }),
      },
      options: {
        animation: still ? false : { duration: 250 },
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        plugins: { tooltip: { bodyFont: font, titleFont: font, callbacks: { title: (items) => days[items[0]?.dataIndex ?? 0] ?? "" } } },
        scales: {
          x: { stacked: kind === "bars", grid: { display: false }, border: { color: line }, ticks: { color: muted, font, maxRotation: 0, autoSkipPadding: 16 } },
          y: { stacked: kind === "bars", beginAtZero: true, grid: { color: line }, border: { display: false }, ticks: { color: muted, font, precision: 0, maxTicksLimit: 5 } },
        },
      },
    });
    return () => drawn.destroy();
  }, [days, series, kind]);
  return <canvas ref={canvas} role="img" aria-label={`${title}. ${summary}`} />;
}

/** A few series over days: bars on each other, or lines. What it shows is a table for whoever cannot see it. */
export function Chart(shown: Shown) {
  const { title, summary, days, series } = shown;
  const theme = useTheme();
  return (
    <figure className="min-w-0 rounded-lg border bg-surface px-4 pt-3 pb-2">
      <figcaption className="flex flex-wrap items-baseline gap-x-3 text-sm">
        <span className="font-medium">{title}</span>
        <span className="text-xs text-muted">{summary}</span>
      </figcaption>
      <div className="relative mt-2 h-36"><Plot key={theme} {...shown} /></div>
      <ul className="mt-1 flex flex-wrap gap-x-3 text-xs text-muted" aria-hidden>
        {series.map((each, at) => <li key={each.label} className="flex items-center gap-1.5"><Swatch tone={toneOf(each, at)} />{each.label}</li>)}
      </ul>
      <details className="mt-1 text-xs">
        <summary className="w-fit cursor-pointer text-muted hover:text-ink">{t.chart.table}</summary>
        <div className="mt-1 max-h-56 overflow-auto" tabIndex={0} role="region" aria-label={t.chart.tableOf(title)}>
          <table className="w-full text-left">
            <thead><tr><th scope="col" className="py-1 pr-3 font-medium">{t.chart.day}</th>{series.map(({ label }) => <th key={label} scope="col" className="py-1 pr-3 text-right font-medium">{label}</th>)}</tr></thead>
            <tbody>
              {days.map((day, at) => <tr key={day} className="border-t"><th scope="row" className="py-1 pr-3 font-mono font-normal">{day}</th>{series.map(({ label, values }) => <td key={label} className="py-1 pr-3 text-right tabular-nums">{values[at] ?? "–"}</td>)}</tr>).toReversed()}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function Swatch({ tone }: { tone: Tone }) {
  return <svg viewBox="0 0 10 10" className="size-2.5"><rect width="10" height="10" rx="2" className={FILLS[tone]} /></svg>;
}
