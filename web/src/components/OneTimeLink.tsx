import type { Link } from "../api/nouns";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { Notice } from "../ui/feedback";
import { CopyLine } from "./Copy";
import { When } from "./When";

/** A link that is shown once: only the button closes it. */
export function OneTimeLink({ name, link, onClose }: { name: string; link: Link; onClose: () => void }) {
  return (
    <Dialog title={t.users.linkTitle(name)} onClose={onClose} dismissable={false}>
      <Notice tone="warn">{t.users.linkBody}</Notice>
      <CopyLine text={link.url} label={t.users.copyLink} className="mt-4 py-1.5" />
      {link.awaits_confirmation ? <div className="mt-4"><Notice tone="info" title={t.users.linkWaits.link}>{link.works_from ? <>{t.users.linkWorksFrom} <When at={link.works_from} seconds />.</> : t.users.linkWaitsBody}</Notice></div> : null}
      <p className="mt-3 text-sm text-muted">{t.users.linkUntil} <When at={link.expires_at} seconds /></p>
      <DialogActions><Button look="primary" onClick={onClose}>{t.actions.done}</Button></DialogActions>
    </Dialog>
  );
}
