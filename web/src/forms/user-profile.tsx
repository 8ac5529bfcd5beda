import { useMutation } from "@tanstack/react-query";

import { api } from "../api/client";
import type { User, VendorTerms } from "../api/nouns";
import { FormDialog, fieldError } from "../components/FormDialog";
import { useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { NamesField } from "../policy/fields";
import { HoursField } from "../policy/HoursField";
import { toast } from "../stores/toast";
import { TextField } from "../ui/Field";

const u = t.users;

/** The terms of a vendor as they are typed. */
export interface Terms {
  sponsor: string;
  company: string;
  ends: string;
  networks: string[];
  hours: VendorTerms["hours"];
}

const DAY = 86_400_000;

/** The day on which access ends, in the browser's zone, as a date field has it. */
const dayOf = (at: number) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 10);

export function termsOf(user: User | undefined): Terms {
  const v = user?.vendor;
  return v ? { sponsor: v.sponsor, company: v.company ?? "", ends: dayOf(Date.parse(v.ends_at) - 1), networks: v.networks ?? [], hours: v.hours ?? [] } : { sponsor: "", company: "", ends: dayOf(Date.now() + 30 * DAY), networks: [], hours: [] };
}

/** The terms as the API takes them: access ends when the last day is over. */
export function wanted({ sponsor, company, ends, networks, hours }: Terms): VendorTerms {
  const last = new Date(`${ends}T00:00:00`);
  last.setDate(last.getDate() + 1);
  return { sponsor: sponsor.trim(), company: company.trim(), ends_at: last.toISOString(), networks, hours };
}

export function TermsFields({ value, onChange, error }: { value: Terms; onChange: (value: Terms) => void; error: unknown }) {
  const set = (patch: Partial<Terms>) => onChange({ ...value, ...patch });
  return (
    <>
      <TextField label={u.sponsor} hint={u.sponsorHint} mono value={value.sponsor} onChange={(event) => set({ sponsor: event.target.value.toLowerCase() })} required error={fieldError(error, "vendor.sponsor")} autoComplete="off" spellCheck={false} />
      <TextField label={u.company} optional={t.common.optional} value={value.company} onChange={(event) => set({ company: event.target.value })} error={fieldError(error, "vendor.company")} autoComplete="off" />
      <TextField label={u.lastDay} type="date" value={value.ends} onChange={(event) => set({ ends: event.target.value })} required error={fieldError(error, "vendor.ends_at")} />
      <NamesField label={t.policies.fields.networks} hint={t.policies.fields.networksHint} value={value.networks} onChange={(networks) => set({ networks })} error={fieldError(error, "vendor.networks")} />
      <HoursField value={value.hours ?? []} onChange={(hours) => set({ hours })} error={fieldError(error, "vendor.hours")} />
    </>
  );
}

/** Other terms for a vendor, or another sponsor. */
export function UserVendor({ user, onClose }: { user: User; onClose: () => void }) {
  const [terms, setTerms] = useKept<Terms>("terms", termsOf(user));
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => api.userChange(user.name, { vendor: wanted(terms) }),
    onSuccess: () => { toast("ok", u.saved); onClose(); },
  });
  return (
    <FormDialog title={u.vendorTitle(user.name)} about={u.vendorBody} busy={save.isPending} error={save.error} fields={["vendor.sponsor", "vendor.company", "vendor.ends_at", "vendor.networks", "vendor.hours"]} onSubmit={() => save.mutate()} onClose={onClose}>
      <TermsFields value={terms} onChange={setTerms} error={save.error} />
    </FormDialog>
  );
}
