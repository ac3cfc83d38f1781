//! Kinds of text that a schema names rather than describes.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Returns what a text of this format is, if `text` is surely none.
pub(super) fn wanted(format: &str, text: &str) -> Option<&'static str> {
    let (is_right, wanted) = match format {
        "AWS::ACM::Certificate.Arn" => (
            is_arn(text, "acm", "certificate/"),
            "the ARN of a certificate",
        ),
        "AWS::IAM::Role.Arn" => (is_arn(text, "iam", "role/"), "the ARN of a role"),
        "AWS::KMS::Key.Arn" => (
            is_arn(text, "kms", "key/") || is_arn(text, "kms", "alias/"),
            "the ARN of a key",
        ),
        "AWS::KMS::Key.Id" => (is_key_id(text), "the id of a key"),
        "AWS::KMS::Alias.AliasName" => (
            text.strip_prefix("alias/").is_some_and(|name| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte))
            }),
            "an alias such as `alias/name`",
        ),
        "AWS::Lambda::Function.Arn" => {
            (is_arn(text, "lambda", "function:"), "the ARN of a function")
        }
        "AWS::SNS::Topic.Arn" => (is_arn(text, "sns", ""), "the ARN of a topic"),
        "AWS::EC2::SecurityGroup.Id" => (
            is_id(text, "sg-"),
            "the id of a security group, such as `sg-0123456789abcdef0`",
        ),
        "AWS::EC2::Subnet.Id" => (
            is_id(text, "subnet-"),
            "the id of a subnet, such as `subnet-0123456789abcdef0`",
        ),
        "AWS::EC2::VPC.Id" => (
            is_id(text, "vpc-"),
            "the id of a VPC, such as `vpc-0123456789abcdef0`",
        ),
        "AWS::EC2::Image.Id" => (
            // The name of a public parameter may stand for an image.
            is_id(text, "ami-") || text.starts_with("resolve:ssm:"),
            "the id of an image, such as `ami-0123456789abcdef0`",
        ),
        "AWS::Logs::LogGroup.Name" => (
            (1..=512).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte)),
            "the name of a log group: letters, digits and `.-_/#`",
        ),
        "AWS::S3::Bucket.Name" => (
            is_bucket_name(text),
            "the name of a bucket: 3 to 63 small letters, digits, dots and hyphens",
        ),
        "ipv4-network" => (
            is_network(text, 32, |address| address.parse::<Ipv4Addr>().is_ok()),
            "a block of IPv4 addresses, such as `10.0.0.0/16`",
        ),
        "ipv6-network" => (
            is_network(text, 128, |address| address.parse::<Ipv6Addr>().is_ok()),
            "a block of IPv6 addresses, such as `2001:db8::/56`",
        ),
        _ => return None,
    };
    // A dynamic reference is replaced before anybody reads it.
    (!is_right && !text.contains("{{resolve:")).then_some(wanted)
}

fn is_arn(text: &str, service: &str, resource: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", partition, found, _, _, rest]
        if partition.starts_with("aws")
            && *found == service
            && rest.len() > resource.len()
            && rest.starts_with(resource))
}

fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        matches!(rest.len(), 8 | 17) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn is_key_id(text: &str) -> bool {
    let id = text.strip_prefix("mrk-").unwrap_or(text);
    (id.len() == 32 || id.len() == 36)
        && id
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn is_bucket_name(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
        && !text.starts_with(['.', '-'])
        && !text.ends_with(['.', '-'])
        && !["..", "-.", ".-"].iter().any(|pair| text.contains(pair))
}

fn is_network(text: &str, most: u8, is_address: impl Fn(&str) -> bool) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        is_address(address) && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_takes_its_own_and_no_other() {
        for (format, right, wrong) in [
            (
                "AWS::IAM::Role.Arn",
                "arn:aws:iam::111122223333:role/worker",
                "worker",
            ),
            (
                "AWS::KMS::Key.Arn",
                "arn:aws:kms:eu-central-1:111122223333:key/1234",
                "arn:aws:sqs:eu-central-1:111122223333:key/1234",
            ),
            (
                "AWS::KMS::Key.Id",
                "1234abcd-12ab-34cd-56ef-1234567890ab",
                "my-key",
            ),
            ("AWS::KMS::Alias.AliasName", "alias/data", "data"),
            ("AWS::EC2::VPC.Id", "vpc-0123456789abcdef0", "vpc-1"),
            ("AWS::S3::Bucket.Name", "charts", "Charts"),
            ("AWS::Logs::LogGroup.Name", "/aws/lambda/f", "a b"),
            ("ipv4-network", "10.0.0.0/16", "10.0.0.0/33"),
            ("ipv6-network", "2001:db8::/56", "2001:db8::"),
        ] {
            assert_eq!(wanted(format, right), None, "{format}");
            assert!(wanted(format, wrong).is_some(), "{format}");
        }
        assert_eq!(wanted("AWS::New::Thing.Id", "anything"), None);
    }
}
