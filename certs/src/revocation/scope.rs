//! The lists of one set of roots: they say something of the certificates under those roots, and of no others.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::list::{Authority, List, Named, TIERS_MAX, trusted};
use super::{ListEnd, Revocation};
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
        self.standing_of(named, now)
    }

    pub(super) fn standing_of_authority(&self, authority: &Authority, now: u64) -> Revocation {
        if authority.root { Revocation::Good } else { self.standing_of(Named::from(authority), now) }
    }

    fn standing_of(&self, named: Named, now: u64) -> Revocation {
        let (mut named, mut worst) = (named, Revocation::Good);
        // The authorities of each tier, and the root.
        for _ in 0..=TIERS_MAX {
            let Some(issuer) = self.authority_named(&named) else { return worst.or(Revocation::Unknown) };
            match self.lists.iter().find(|list| list.signer == issuer.spki_sha256) {
                Some(list) if list.serials.contains(&named.serial) => return Revocation::Revoked,
                Some(list) if list.next_update < now => worst = worst.or(Revocation::ListExpired),
                Some(_) => {}
                None => worst = worst.or(Revocation::Unknown),
            }
            if issuer.root {
                return worst;
            }
            named = Named::from(issuer);
        }
        Revocation::Unknown
    }

    /// Whether an authority above this certificate was revoked.
    pub(super) fn authority_revoked(&self, certificate: &[u8], now: u64) -> bool {
        let issuer = Named::of(certificate).and_then(|named| self.authority_named(&named));
        issuer.is_some_and(|issuer| self.standing_of_authority(issuer, now) == Revocation::Revoked)
    }

    fn authority_named(&self, named: &Named) -> Option<&Authority> {
        self.authorities.iter().find(|authority| authority.is_named(&named.issuer, named.key.as_deref()))
    }

    /// When the first list ends without which some certificate could not be believed; nothing where nobody could issue one.
    pub(super) fn end(&self, now: u64) -> Option<ListEnd> {
        let mut first: Option<ListEnd> = None;
        for issuing in self.authorities.iter().filter(|authority| self.is_issuing(authority, now)) {
            let mut authority = Some(issuing);
            while let Some(this) = authority {
                let list = self.lists.iter().find(|list| list.signer == this.spki_sha256);
                let next_update = list.map_or(0, |list| list.next_update);
                if first.as_ref().is_none_or(|first| next_update < first.next_update) {
                    first = Some(ListEnd { by_root: this.root, authority: this.name.clone(), next_update });
                }
                authority = if this.root { None } else { self.authority_named(&Named::from(this)) };
            }
        }
        first
    }

    /// Whether certificates of it may be in use: it has not ended, was not revoked, and no other authority stands under it.
    fn is_issuing(&self, authority: &Authority, now: u64) -> bool {
        let above = |other: &Authority| {
            !other.root && authority.is_named(&other.issuer, other.authority_key_identifier.as_deref())
        };
        authority.validity.not_after >= now
            && (!authority.root || self.authorities.len() == 1)
            && !self.authorities.iter().any(above)
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
