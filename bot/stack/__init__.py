"""`make stack`: production as ordinary processes, from docker-compose.yml, where there is no Docker.

`topology` reads the file and moves it to loopback, `stores` finds PostgreSQL, Redis and Caddy, `supervision` keeps all
of it running, `start` does the rest in order.
"""
