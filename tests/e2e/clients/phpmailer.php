<?php
// Sends one message; prints what an application shows of it: ErrorInfo, and the SMTP part's own error beside it.
foreach (['Exception', 'SMTP', 'PHPMailer'] as $name) {
    require $argv[1] . "/$name.php";
}
$asked = json_decode($argv[2], true);
$mail = new PHPMailer\PHPMailer\PHPMailer(false);
$mail->isSMTP();
$mail->Host = '127.0.0.1';
$mail->Port = $asked['port'];
$mail->SMTPSecure = 'tls';
$mail->SMTPAuth = true;
$mail->SMTPOptions = ['ssl' => ['cafile' => $asked['ca'], 'verify_peer_name' => false]];
$mail->Username = $asked['user'];
$mail->Password = $asked['password'];
$mail->Sender = $asked['sender'];
$mail->setFrom($asked['author']);
foreach ($asked['recipients'] as $recipient) {
    $mail->addAddress($recipient);
}
$mail->Subject = 'from PHPMailer';
$mail->Body = "Hello.\n";
$sent = $mail->send();
echo json_encode(['sent' => $sent, 'shown' => $mail->ErrorInfo, 'reply' => $mail->getSMTPInstance()->getLastReply()]);
