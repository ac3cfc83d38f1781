// The same app as `src/many_stacks.rs`, for the AWS CDK: raw resources only.
const { App, Stack, aws_cloudwatch, aws_logs, aws_sns, aws_sqs } = require("aws-cdk-lib");

const [stacks, resources, outdir] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const app = new App({ outdir, analyticsReporting: false, treeMetadata: true });
let told;
for (let number = 0; number < stacks; number += 1) {
  const stack = new Stack(app, `Stack${number}`);
  let firstTopic;
  for (let index = 0; index < resources / 4; index += 1) {
    const queue = new aws_sqs.CfnQueue(stack, `Queue${index}`, {
      visibilityTimeout: 300,
      messageRetentionPeriod: 1209600,
      sqsManagedSseEnabled: true,
    });
    const topic = new aws_sns.CfnTopic(stack, `Topic${index}`, { displayName: "Notices" });
    new aws_logs.CfnLogGroup(stack, `Logs${index}`, { retentionInDays: 400 });
    firstTopic ??= topic;
    new aws_cloudwatch.CfnAlarm(stack, `Behind${index}`, {
      comparisonOperator: "GreaterThanThreshold",
      evaluationPeriods: 3,
      namespace: "AWS/SQS",
      metricName: "ApproximateAgeOfOldestMessage",
      dimensions: [{ name: "QueueName", value: queue.attrQueueName }],
      statistic: "Maximum",
      period: 60,
      threshold: 900,
      alarmActions: [(told ?? topic).attrTopicArn],
    });
  }
  told = firstTopic;
}
app.synth();
