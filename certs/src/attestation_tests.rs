use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::Signature;

use super::*;

#[test]
fn an_attestation_has_one_line_that_begins_with_its_name() {
    let attestation = Attestation {
        action: Action::Thaw,
        subject: Digest([1; 32]),
        federation: Digest([2; 32]),
        staff: StaffNumber::parse("bank/e1").unwrap(),
        role: Role::Auditor,
        at: 7,
        signature: Signature::ed25519([3; 64]),
    };
    let line = print_attestation(&attestation);
    let part = |byte: &str, times: usize| byte.repeat(times);
    let expected = format!(
        "attestation thaw subject {} federation {} staff bank/e1 role auditor at 7 signature ed25519:{}",
        part("01", 32),
        part("02", 32),
        part("03", 64)
    );
    assert_eq!(line, expected);
    assert!(is_attestation(&line) && is_attestation("attestation"));
    assert!(!is_attestation("attestations x") && !is_attestation("") && !is_attestation(" attestation"));
    assert_eq!(parse_attestation(&line), Some(attestation));
    let changed = [
        format!("{line} "),
        format!("{line} more"),
        line.replace("attestation", "attested"),
        line.replace("thaw", "thawing"),
    ];
    for bad in changed {
        assert_eq!(parse_attestation(&bad), None, "{bad}");
    }
}
