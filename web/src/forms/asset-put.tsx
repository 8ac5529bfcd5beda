import { useMutation } from "@tanstack/react-query";

import { api } from "../api/client";
import type { Asset } from "../api/nouns";
import { FormDialog, fieldError } from "../components/FormDialog";
import { useKept } from "../hooks/useKept";
import { useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { SelectField, TextArea, TextField } from "../ui/Field";

export const PLATFORMS = ["linux", "network_device", "postgresql", "mysql", "redis", "ldap"] as const satisfies Asset["platform"][];

/** Reads `env=prod, tier=web`; undefined when it is not that. */
export function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const pair of text.split(",").map((each) => each.trim()).filter(Boolean)) {
    const at = pair.indexOf("=");
    if (at < 1) return undefined;
    labels[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
  }
  return labels;
}

/** Whether it keeps data in columns or under keys, which can be hidden in results. */
export const isDatabase = (platform: Asset["platform"]) => platform === "postgresql" || platform === "mysql" || platform === "redis";

type ColumnTags = NonNullable<Asset["column_tags"]>;

/** Tags with their columns as they are written, `pii: email, phone*`, a line each. */
export const tagLines = (tags: ColumnTags = {}) => Object.entries(tags).map(([tag, columns]) => `${tag}: ${columns.join(", ")}`);

/** Reads them; undefined when they are not that. */
export function parseTags(text: string): ColumnTags | undefined {
  const tags: ColumnTags = {};
  for (const line of text.split("\n").map((each) => each.trim()).filter(Boolean)) {
    const at = line.indexOf(":");
    const tag = line.slice(0, at).trim();
    const columns = line.slice(at + 1).split(",").map((each) => each.trim()).filter(Boolean);
    if (at < 1 || columns.length === 0) return undefined;
    tags[tag] = [...new Set([...(tags[tag] ?? []), ...columns])];
  }
  return tags;
}

/** Adds an asset, or changes the one given. */
export function AssetPut({ asset, onClose, onDone }: { asset?: Asset | undefined; onClose: () => void; onDone?: (name: string) => void }) {
  const who = useWho();
  const [name, setName] = useKept("name", asset?.name ?? "");
  const [scope, setScope] = useKept("scope", asset?.scope ?? who.user.scope);
  const [platform, setPlatform] = useKept<Asset["platform"]>("platform", asset?.platform ?? "linux");
  const [address, setAddress] = useKept("address", asset?.address ?? "");
  const [text, setText] = useKept("text", Object.entries(asset?.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(", "));
  const labels = parseLabels(text);
  // As they were when the form was opened: what somebody else changes meanwhile is not taken back.
  const [columnsWere] = useKept("columns-were", tagLines(asset?.column_tags).join("\n"));
  const [columns, setColumns] = useKept("columns", columnsWere);
  const tags = isDatabase(platform) ? parseTags(columns) : {};
  const tagFields = ["column_tags", ...Object.keys(tags ?? {}).map((tag) => `column_tags.${tag}`)];
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => api.assetPut(name.trim(), { scope, platform, address: address.trim(), labels: labels ?? {}, server_ca: asset?.server_ca ?? null, ...(columns === columnsWere ? {} : { column_tags: tags ?? {} }) }),
    onSuccess: () => { toast("ok", t.assets.saved); if (onDone) onDone(name.trim()); else onClose(); },
  });
  return (
    <FormDialog title={asset ? t.assets.editTitle(asset.name) : t.assets.createTitle} busy={save.isPending} error={save.error} fields={["name", "scope", "address", "labels", ...tagFields]} onSubmit={() => labels && tags && save.mutate()} onClose={onClose}>
      {asset ? null : <TextField label={t.assets.name} mono value={name} onChange={(event) => setName(event.target.value.toLowerCase())} required autoFocus pattern="[a-z0-9][a-z0-9._\-]*" error={fieldError(save.error, "name")} spellCheck={false} />}
      <SelectField label={t.assets.platform} value={platform} onChange={(event) => setPlatform(PLATFORMS.find((each) => each === event.target.value) ?? "linux")}>
        {PLATFORMS.map((each) => <option key={each} value={each}>{t.assets.platforms[each]}</option>)}
      </SelectField>
      <TextField label={t.assets.address} hint={t.assets.addressHint} mono value={address} onChange={(event) => setAddress(event.target.value)} required error={fieldError(save.error, "address")} spellCheck={false} />
      <TextField label={t.assets.scope} mono value={scope} onChange={(event) => setScope(event.target.value)} required pattern="/.*" error={fieldError(save.error, "scope")} />
      <TextField label={t.assets.labels} hint={t.assets.labelsHint} mono value={text} onChange={(event) => setText(event.target.value)} error={labels ? fieldError(save.error, "labels") : t.assets.labelsBad} spellCheck={false} />
      {isDatabase(platform) ? (
        <TextArea label={t.assets.columnTags} hint={platform === "redis" ? t.assets.keyTagsHint : t.assets.columnTagsHint} mono optional={t.common.optional} value={columns} onChange={(event) => setColumns(event.target.value)} error={tags ? tagFields.map((field) => fieldError(save.error, field)).find(Boolean) : t.assets.columnTagsBad} spellCheck={false} />
      ) : null}
    </FormDialog>
  );
}
