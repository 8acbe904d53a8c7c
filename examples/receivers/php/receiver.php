<?php
// A receiver of the webhook in format `standard`. PHP 8, nothing else: php -S 127.0.0.1:8787 receiver.php

declare(strict_types=1);

$secrets = array_filter(explode(' ', getenv('TIDINGS_SECRET') ?: ''));
$file = getenv('STATE') ?: 'state.json';

/** Whether one of our secrets signed these bytes, within the last five minutes. */
function is_signed(array $secrets, string $body): bool
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $at = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!ctype_digit($at) || abs(time() - (int) $at) > 300) {
        return false;
    }
    foreach ($secrets as $secret) {
        $key = base64_decode(substr($secret, strlen('whsec_')));
        $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$at.$body", $key, true));
        foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $told) {
            if (hash_equals($expected, $told)) {
                return true;
            }
        }
    }
    return false;
}

/** Keeps what a customer may use, unless something newer is known. */
function keep(string $file, object $event): void
{
    if ($event->type === 'test') {
        return;
    }
    $data = $event->data;
    $kept = fopen($file, 'c+');
    flock($kept, LOCK_EX);
    $customers = json_decode(stream_get_contents($kept) ?: '{}');
    $id = $data->customer->id;
    if ($data->customer_seq > ($customers->{$id}->seq ?? 0)) {
        $customers->{$id} = ['app_user_id' => $data->customer->app_user_id, 'seq' => $data->customer_seq, 'access' => $data->access];
        // Your database does this in one statement: insert ... on conflict (id) do update ... where excluded.seq > customers.seq
        ftruncate($kept, 0);
        rewind($kept);
        fwrite($kept, json_encode($customers));
    }
    fclose($kept);
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    header('content-type: application/json');
    echo is_file($file) ? file_get_contents($file) : '{}';
    return;
}
$body = file_get_contents('php://input');
if (!is_signed($secrets, $body)) {
    http_response_code(400);
    return;
}
keep($file, json_decode($body, false, 512, JSON_THROW_ON_ERROR));
http_response_code(204);
