//! The lists of one set of roots: they say something of the certificates under those roots, and of no others.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::list::{Authority, List, Named, issued_by, trusted};
use super::standing::{ListEnd, Revocation};
use crate::enrolment::certificates_text;
use crate::fault::{CertificateFault, FaultKind};

/// Lists, and certificates of authorities, that one file may hold.
const ITEMS_MAX: usize = 64;

/// Verified lists, and the authorities that they are of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(super) lists: Vec<List>,
    pub(super) authorities: Vec<Authority>,
}

impl Scope {
    /// Reads the text of a file.
    pub(super) fn parse(text: &[u8], roots: &[CertificateDer<'static>]) -> Result<Self, CertificateFault> {
        let broken = |_| FaultKind::RevocationListForged.because("the file is damaged, or not complete yet");
        let authorities: Vec<_> =
            CertificateDer::pem_slice_iter(text).take(ITEMS_MAX + 1).collect::<Result<_, _>>().map_err(broken)?;
        let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(text)
            .take(ITEMS_MAX + 1)
            .collect::<Result<_, _>>()
            .map_err(broken)?;
        Self::verified(lists, &authorities, roots)
    }

    pub(super) fn verified(
        lists: Vec<CertificateRevocationListDer<'static>>,
        authorities: &[CertificateDer<'_>],
        roots: &[CertificateDer<'static>],
    ) -> Result<Self, CertificateFault> {
        if lists.len() > ITEMS_MAX || authorities.len() > ITEMS_MAX {
            let detail = format!("a file holds at most {ITEMS_MAX} lists and as many authorities");
            return Err(FaultKind::RevocationListForged.because(detail));
        }
        let authorities = trusted(roots, authorities);
        let mut own: Vec<List> = Vec::new();
        for der in lists {
            let mut list = List::parse(der)?;
            let mut named = authorities.iter().filter(|authority| authority.subject == list.issuer).peekable();
            // Lists of authorities under no trusted root are left out: nobody's certificate stands under them either.
            if named.peek().is_none() {
                continue;
            }
            let Some(signer) = named.find(|authority| authority.signed(&list)) else {
                return Err(FaultKind::RevocationListForged.because("its signature is wrong"));
            };
            list.signer = signer.spki_sha256;
            // The newest of an issuer's counts.
            match own.iter_mut().find(|other| other.signer == list.signer) {
                Some(other) if other.number < list.number => *other = list,
                Some(_) => {}
                None => own.push(list),
            }
        }
        if own.is_empty() {
            return Err(FaultKind::RevocationListForged.because("no authority under a trusted root signed it"));
        }
        Ok(Self { lists: own, authorities })
    }

    /// What the lists say of a certificate and of every authority above it. A revocation counts however old its list is.
    pub(super) fn standing(&self, certificate: &[u8], now: u64) -> Revocation {
        let Some(named) = Named::of(certificate) else { return Revocation::Unknown };
        let Some(issuer) = self.issuer_of(certificate, &named) else { return Revocation::Unknown };
        self.standing_under(&named.serial, issuer, now)
    }

    pub(super) fn standing_of_authority(&self, authority: &Authority, now: u64) -> Revocation {
        let issuer = authority.above.and_then(|place| self.authorities.get(place));
        issuer.map_or(Revocation::Good, |issuer| self.standing_under(&authority.serial, issuer, now))
    }

    /// The same of a serial number under whoever gave it.
    fn standing_under(&self, serial: &[u8], issuer: &Authority, now: u64) -> Revocation {
        let own = match self.lists.iter().find(|list| list.signer == issuer.spki_sha256) {
            Some(list) if list.serials.contains(serial) => return Revocation::Revoked,
            Some(list) if list.next_update < now => Revocation::ListExpired,
            Some(_) => Revocation::Good,
            None => Revocation::Unknown,
        };
        match self.standing_of_authority(issuer, now) {
            Revocation::Revoked => Revocation::Revoked,
            above => own.or(above),
        }
    }

    /// An authority between the roots and the leaves, by its key, if it stands: neither revoked, nor out of its validity, nor without a current list.
    pub(crate) fn authority(&self, matches: impl Fn(&Authority) -> bool, now: u64) -> Result<&Authority, FaultKind> {
        let found = self.authorities.iter().find(|authority| !authority.root && matches(authority));
        let found = found.ok_or(FaultKind::ForeignAuthority)?;
        if let Some(fault) = self.standing_of_authority(found, now).fault() {
            return Err(fault);
        }
        match found.validity {
            validity if validity.not_after < now => Err(FaultKind::Expired),
            validity if validity.not_before > now => Err(FaultKind::NotYetValid),
            _ => Ok(found),
        }
    }

    /// Whether an authority above this certificate was revoked.
    pub(super) fn authority_revoked(&self, certificate: &[u8], now: u64) -> bool {
        let issuer = Named::of(certificate).and_then(|named| self.issuer_of(certificate, &named));
        issuer.is_some_and(|issuer| self.standing_of_authority(issuer, now) == Revocation::Revoked)
    }

    /// Who issued a certificate. Its words say so where they mean one authority alone: whoever verified the connection has looked at its signature. Where
    /// several have that name and key, the signature says so here.
    fn issuer_of(&self, certificate: &[u8], named: &Named) -> Option<&Authority> {
        let names = |one: &&Authority| one.is_named(&named.issuer, named.key.as_deref());
        let meant: Vec<&Authority> = self.authorities.iter().filter(names).collect();
        match *meant {
            [only] => Some(only),
            _ => meant.into_iter().find(|one| issued_by(certificate, &one.der)),
        }
    }

    /// When the first list ends without which some certificate could not be believed; nothing where nobody could issue one.
    pub(super) fn end(&self, now: u64) -> Option<ListEnd> {
        let mut first: Option<ListEnd> = None;
        let issuing = (0..).zip(&self.authorities).filter(|(place, authority)| self.is_issuing(*place, authority, now));
        for (_, issuing) in issuing {
            let mut authority = Some(issuing);
            while let Some(this) = authority {
                let list = self.lists.iter().find(|list| list.signer == this.spki_sha256);
                let next_update = list.map_or(0, |list| list.next_update);
                if first.as_ref().is_none_or(|first| next_update < first.next_update) {
                    first = Some(ListEnd { by_root: this.root, authority: this.name.clone(), next_update });
                }
                authority = this.above.and_then(|place| self.authorities.get(place));
            }
        }
        first
    }

    /// Whether certificates of it may be in use: it has not ended, was not revoked, and no other authority stands under it.
    fn is_issuing(&self, place: usize, authority: &Authority, now: u64) -> bool {
        authority.validity.not_after >= now
            && (!authority.root || self.authorities.len() == 1)
            && !self.authorities.iter().any(|other| other.above == Some(place))
            && self.standing_of_authority(authority, now) != Revocation::Revoked
    }

    /// Its text: the authorities between the roots and the leaves, and the lists; what is of no use any more is left out.
    pub(super) fn print(&self, now: u64) -> String {
        let between =
            self.authorities.iter().filter(|authority| !authority.root && authority.validity.not_after >= now);
        let mut text: String =
            between.clone().map(|authority| certificates_text(std::slice::from_ref(&authority.der))).collect();
        let roots = self.authorities.iter().filter(|authority| authority.root);
        let mut of = between.chain(roots).map(|authority| authority.spki_sha256);
        let kept: Vec<_> = of.by_ref().collect();
        for list in self.lists.iter().filter(|list| kept.contains(&list.signer)) {
            text += &pem::encode(&pem::Pem::new("X509 CRL", list.der.to_vec()));
        }
        text
    }
}

impl Revocation {
    /// The first fault that was found stays.
    fn or(self, other: Self) -> Self {
        if self == Self::Good { other } else { self }
    }
}
