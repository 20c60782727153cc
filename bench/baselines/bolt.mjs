// Bolt for JavaScript as in its documentation: a command and a button that only acknowledge, with default settings.
import bolt from '@slack/bolt';

const app = new bolt.App({
  token: process.env.SLACK_BOT_TOKEN,
  signingSecret: process.env.SLACK_SIGNING_SECRET,
  clientOptions: { slackApiUrl: `${process.env.SLACK_API_URL}/` },
});
app.command('/purecloud', async ({ ack }) => { await ack(); });
app.action('approve', async ({ ack }) => { await ack(); });
await app.start(Number(process.env.PORT));
