// Sends one message after another over a pooled transport; prints for each what sendMail resolved or rejected with.
const [, , modules, request] = process.argv
const nodemailer = require(modules + '/nodemailer')
const asked = JSON.parse(request)
const transport = nodemailer.createTransport({
  pool: true,
  maxConnections: 1,
  host: '127.0.0.1',
  port: asked.port,
  requireTLS: true,
  auth: { user: asked.user, pass: asked.password },
  tls: { ca: require('node:fs').readFileSync(asked.ca), checkServerIdentity: () => undefined },
})

async function send () {
  const answers = []
  for (let number = 0; number < asked.times; number++) {
    try {
      const sent = await transport.sendMail({
        envelope: { from: asked.sender, to: asked.recipients },
        from: asked.author,
        to: asked.recipients,
        subject: 'from nodemailer',
        text: 'Hello.\n',
      })
      answers.push({ sent: true, shown: sent.response, rejected: (sent.rejectedErrors || []).map(e => e.message) })
    } catch (error) {
      answers.push({ sent: false, shown: error.message, rejected: [] })
    }
  }
  transport.close()
  console.log(JSON.stringify(answers))
}
send()
