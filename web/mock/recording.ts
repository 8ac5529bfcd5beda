const PROMPT = "\u001b[1;32mroot@web-1\u001b[0m:\u001b[1;34m~\u001b[0m# ";

type Line = [gap: number, code: string, data: string];

function typed(text: string): Line[] {
  return [...[...text].flatMap((char): Line[] => [[0.09, "i", char], [0.02, "o", char]]), [0.3, "i", "\r"], [0.01, "o", "\r\n"]];
}

/** A shell session, as lines of an asciicast v3. */
export const lines: Line[] = [
  [0.2, "m", "shell allowed"],
  [0.4, "o", "Linux web-1 6.1.0-28-amd64 #1 SMP Debian\r\nLast login: Mon Nov 23 from 10.20.1.7\r\n"],
  [0.3, "o", PROMPT],
  ...typed("df -h /var"),
  [0.2, "o", "Filesystem      Size  Used Avail Use% Mounted on\r\n/dev/vda3        40G   39G  1.2G  \u001b[31m97%\u001b[0m /var\r\n" + PROMPT],
  ...typed("du -xh /var/log | sort -h | tail -4"),
  [1.4, "o", "1.1G\t/var/log/nginx\r\n3.4G\t/var/log/journal\r\n28G\t/var/log/app\r\n33G\t/var/log\r\n" + PROMPT],
  [34, "i", ""],
  ...typed("systemctl status logrotate.timer"),
  [0.3, "o", "\u001b[32m●\u001b[0m logrotate.timer - Daily rotation of log files\r\n     Loaded: loaded (/lib/systemd/system/logrotate.timer; \u001b[33mdisabled\u001b[0m)\r\n     Active: inactive (dead)\r\n" + PROMPT],
  ...typed("sudo -k; sudo systemctl enable --now logrotate.timer"),
  [0.4, "o", "[sudo] password for root: "],
  [2.1, "i", "not-shown\r"],
  [0.2, "o", "\r\nCreated symlink \u001b[36m/etc/systemd/system/timers.target.wants/logrotate.timer\u001b[0m\r\n" + PROMPT],
  [1.2, "m", "sftp read /etc/logrotate.d/app (412 bytes)"],
  ...typed("exit"),
  [0.1, "o", "logout\r\n"],
  [0.1, "x", "0"],
];

export function asciicast(): string {
  const header = { version: 3, term: { cols: 100, rows: 28, type: "xterm-256color" }, title: "ada: root@web-1" };
  return `${[header, ...lines.filter((line) => line[2] !== "")].map((line) => JSON.stringify(line)).join("\n")}\n`;
}

/** The same as frames of a live stream. */
export function frames(): { after: number; frame: Record<string, unknown> }[] {
  const kinds: Record<string, string> = { o: "output", i: "input" };
  return [
    { after: 0, frame: { at_us: 0, kind: "terminal", channel: 0, term: "xterm-256color", cols: 100, rows: 28 } },
    ...lines.flatMap(([after, code, data]) => (kinds[code] ? [{ after, frame: { at_us: 0, kind: kinds[code], channel: 0, data } }] : [])),
  ];
}
