"""Asks parliament and policy_sentry about every policy of a cloud assembly.

usage: policies.py CDK_OUT

Writes one JSON object a finding to standard output: the tool, the environment, the
stack and logical id of the policy, the issue and what it is about. What is known only
once deployed is replaced by what AWS would make of it.
"""

import json
import sys
from pathlib import Path

from parliament import analyze_policy_string
from policy_sentry.analysis.analyze import analyze_by_access_level
from policy_sentry.querying.actions import get_action_data

ACCOUNT, REGION = "111122223333", "us-east-1"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
# How an ARN goes on after `arn:aws:`, by the type of the resource.
ARNS = {
    "AWS::Backup::BackupVault": "backup:{region}:{account}:backup-vault:{name}",
    "AWS::CloudTrail::Trail": "cloudtrail:{region}:{account}:trail/{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/0d1f2c3b-0000-4000-8000-000000000000",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
}
IDS = {
    "AWS::EC2::LaunchTemplate": "lt-00000000000000001",
    "AWS::EC2::SecurityGroup": "sg-00000000000000001",
    "AWS::EC2::Subnet": "subnet-00000000000000001",
}


class Assembly:
    """The templates of one environment, with what they export to each other."""

    def __init__(self, folder):
        self.templates = {
            path.name.removesuffix(".template.json"): json.loads(path.read_text("utf-8"))
            for path in sorted(folder.glob("*.template.json"))
        }
        self.exports = {
            json.dumps(output["Export"]["Name"]): (stack, output["Value"])
            for stack, template in self.templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def text(self, stack, value):
        """Returns what AWS would make of an intrinsic function, at least in shape."""
        if isinstance(value, list):
            return [self.text(stack, each) for each in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return PSEUDO.get(argument) or self.name(stack, argument)
            if name == "Fn::GetAtt":
                return self.attribute(stack, *argument)
            if name == "Fn::Join":
                return argument[0].join(self.text(stack, part) for part in argument[1])
            if name == "Fn::ImportValue":
                return self.text(*self.exports[json.dumps(argument)])
            if name.startswith("Fn::"):
                raise ValueError(f"`{name}` is not known here")
        return {key: self.text(stack, each) for key, each in value.items()}

    def name(self, stack, resource):
        kind = self.templates[stack]["Resources"][resource]["Type"]
        if kind == "AWS::SNS::Topic":
            return self.attribute(stack, resource, "Arn")
        return IDS.get(kind, f"lightsout-{stack}-{resource}".lower())

    def attribute(self, stack, resource, attribute):
        kind = self.templates[stack]["Resources"][resource]["Type"]
        if attribute in ("Arn", "BackupVaultArn"):
            name = f"lightsout-{stack}-{resource}".lower()
            return "arn:aws:" + ARNS[kind].format(region=REGION, account=ACCOUNT, name=name)
        return IDS.get(kind, f"{resource}-{attribute}")


def findings(document):
    """Yields tool, issue and detail of each finding about a policy's document."""
    for finding in analyze_policy_string(json.dumps(document)).findings:
        yield "parliament", finding.issue, str(finding.detail)
    for action in analyze_by_access_level(document, "Permissions management"):
        yield "policy_sentry", "PERMISSIONS_MANAGEMENT", action
    for statement in document["Statement"]:
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            service, name = action.split(":")
            known = get_action_data(service, name)
            if not known:
                yield "policy_sentry", "UNKNOWN_ACTION", action
            elif statement["Effect"] == "Allow" and statement["Resource"] == "*":
                rows = known[service]
                if all(row["resource_arn_format"] != "*" for row in rows):
                    yield "policy_sentry", "NEEDS_NO_WILDCARD", action


def main():
    (folder,) = sys.argv[1:]
    policies = 0
    for place in sorted(Path(folder).glob("assembly-*")):
        assembly = Assembly(place)
        for stack, template in assembly.templates.items():
            for resource, entry in template["Resources"].items():
                if entry["Type"] != "AWS::IAM::ManagedPolicy":
                    continue
                policies += 1
                document = assembly.text(stack, entry["Properties"]["PolicyDocument"])
                for tool, issue, detail in findings(document):
                    row = {
                        "tool": tool,
                        "environment": place.name.removeprefix("assembly-"),
                        "policy": f"{stack}/{resource}",
                        "issue": issue,
                        "detail": detail,
                    }
                    print(json.dumps(row, sort_keys=True))
    print(json.dumps({"policies": policies}))


if __name__ == "__main__":
    main()
