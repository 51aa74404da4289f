import time, uuid, asyncio
from datetime import UTC, datetime
from tests.reactions.parts import *
from tests.store.parts import *
from vidwiz import event_log
async def test_speed(dsn):
    async with running(dsn) as parts:
        for _ in range(20):
            n = 1000
            rows(dsn, event_log.APPEND.sql, streams=[uuid.uuid4() for _ in range(n)], versions=[1]*n,
             topics=["NoteAdded" if i % 2 else "NoteEdited" for i in range(n)],
             states=[b'{"note_id":1,"user_id":1,"video_id":"x","timestamp":"1:1","text":"words","generated_by_ai":false}' if i % 2 == 0 else b'{"note_id":1,"user_id":1,"video_id":"x","timestamp":"1:1","text":"words"}' for i in range(n)],
             metadata=['{"actor":"system"}']*n, recorded_at=datetime.now(UTC))
        t=time.monotonic()
        async with reacting(parts):
            await caught_up(parts, 60)
            print("CAUGHT UP 20000 events (10000 NoteAdded) in", time.monotonic()-t)
        user, video = await ai_user(parts), await ready_video(parts)
        async with reacting(parts):
            await caught_up(parts, 60)
            took=[]
            for _ in range(20):
                t=time.monotonic()
                n=await add_note(parts,user,video)
                t1=time.monotonic()
                while n not in open_tasks(dsn,"write_ai_note",video): pass_=await asyncio.sleep(0.002)
                took.append(time.monotonic()-t1)
            print("NOTE TO TASK ms", sorted(round(x*1000) for x in took))
