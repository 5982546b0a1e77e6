# Starts the companion server, from any folder:
#   ./scripts/start-websocket-server.ps1 8080
#   $env:WS_PORT = 8080; ./scripts/start-websocket-server.ps1
# An argument wins over WS_PORT, WS_PORT over PORT; no variable is overwritten here.
$ErrorActionPreference = 'Stop'

if (-not (Get-Command node -ErrorAction SilentlyContinue)) {
  Write-Error 'Node.js is missing: install version 20 or newer from https://nodejs.org'
  exit 1
}
$root = Split-Path -Parent $PSScriptRoot
if (-not (Test-Path (Join-Path $root 'dist/cli/index.js'))) {
  Push-Location $root
  try {
    if (-not (Test-Path 'node_modules')) { npm ci }
    npm run --silent build
  } finally {
    Pop-Location
  }
}
node (Join-Path $PSScriptRoot 'websocket-server.js') @args
exit $LASTEXITCODE
